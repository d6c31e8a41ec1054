namespace Tenfold.Load.Verdicts;

/// <summary>What a limit is set for.</summary>
public enum Measure
{
    Average,
    P50,
    P95,
    P99,
    Max,
    Errors,

    /// <summary>Requests a second that were answered well: at least so many.</summary>
    Rate,
}

/// <summary>What became of a limit.</summary>
public enum Outcome
{
    Met,
    Missed,

    /// <summary>Too few requests to say: a p99 needs 100, unless so many were over the limit or unanswered that more could not help.</summary>
    NotEnoughSamples,
}

/// <summary>One limit and what was measured.</summary>
/// <param name="Subject">The route, or <c>all</c>.</param>
/// <param name="Measure">What is limited.</param>
/// <param name="Limit">Milliseconds; for <see cref="Measure.Errors"/> a share from 0 to 1, for <see cref="Measure.Rate"/> a second.</param>
/// <param name="Measured">In the unit of <paramref name="Limit"/>.</param>
/// <param name="Outcome">Whether it holds.</param>
/// <param name="Samples">Requests that it was measured on.</param>
/// <param name="Needed">Requests that it takes to say.</param>
public sealed record Judgement(string Subject, Measure Measure, double Limit, double Measured, Outcome Outcome, long Samples, long Needed);
