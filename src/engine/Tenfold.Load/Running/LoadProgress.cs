namespace Tenfold.Load.Running;

/// <summary>Where a running test is; all counts since the progress before.</summary>
/// <param name="Elapsed">Since the start.</param>
/// <param name="Total">How long the stages last.</param>
/// <param name="Stage">The current stage, from 1.</param>
/// <param name="Stages">Number of stages.</param>
/// <param name="Level">Virtual users, or arrivals a second, that the stages ask for now.</param>
/// <param name="Open">Whether <paramref name="Level"/> are arrivals a second.</param>
/// <param name="Rate">Requests a second.</param>
/// <param name="Requests">Requests since the start.</param>
/// <param name="Errors">Failed ones since the start.</param>
/// <param name="P95">Of the latency.</param>
/// <param name="InFlight">Requests without an answer yet.</param>
public sealed record LoadProgress(TimeSpan Elapsed, TimeSpan Total, int Stage, int Stages, double Level, bool Open, double Rate, long Requests, long Errors, TimeSpan P95, long InFlight);
