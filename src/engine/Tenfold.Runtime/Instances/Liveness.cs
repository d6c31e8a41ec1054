using Tenfold.Guide;

namespace Tenfold.Runtime.Instances;

/// <summary>Tells an instance that hangs (no answer at all, for long) from one that is only not ready. Pure.</summary>
public static class Liveness
{
    /// <summary>Unanswered checks in a row, in multiples of <c>health.failures</c>, after which an instance is replaced.</summary>
    public const int Patience = 3;

    /// <summary>The number of unanswered checks in a row, with this one.</summary>
    public static int Count(int before, ProbeResult result) => result.Answered ? 0 : before + 1;

    /// <summary>Whether so many unanswered checks in a row mean that the instance hangs.</summary>
    public static bool IsHung(int unanswered, Health health) => unanswered >= Patience * health.Failures;
}

/// <summary>What came of one health check.</summary>
/// <param name="Status">HTTP status; null when nothing was answered in time.</param>
/// <param name="Error">Why nothing was answered.</param>
public readonly record struct ProbeResult(int? Status, string? Error)
{
    /// <summary>Whether there was any answer.</summary>
    public bool Answered => Status is not null;

    /// <summary>Whether the answer was 200.</summary>
    public bool Ready => Status == 200;

    public override string ToString() => Status is { } status ? $"it answered {status}" : Error ?? "it was not asked yet";
}
