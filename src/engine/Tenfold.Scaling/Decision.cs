namespace Tenfold.Scaling;

/// <summary>What is to be done about a service's number of instances, and why. Immutable.</summary>
/// <param name="At">By the wall clock.</param>
/// <param name="From">Instances that were wanted before.</param>
/// <param name="To">Instances that are wanted now.</param>
/// <param name="Wanted">What the policies wanted, before limits; null: they had no wish.</param>
/// <param name="Limit">What kept it from that.</param>
/// <param name="Reason">One sentence: what was seen, what was wanted, what limited it.</param>
public sealed record Decision(DateTimeOffset At, int From, int To, int? Wanted, ScalingLimit Limit, string Reason)
{
    /// <summary>Whether it changes anything.</summary>
    public bool IsChange => From != To;
}

/// <summary>What keeps a service from the number that its policies want.</summary>
public enum ScalingLimit
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The guide's smallest number, or that of a schedule.</summary>
    Min,

    /// <summary>The guide's largest number, or that of a schedule.</summary>
    Max,

    /// <summary>The window of <c>in</c> or <c>out</c>: it waits whether the wish lasts.</summary>
    Window,

    /// <summary>A policy of <c>in</c> or <c>out</c>: so many in a time.</summary>
    Rate,

    /// <summary>A cooldown.</summary>
    Cooldown,

    /// <summary>There is no more room on the machine.</summary>
    Machine,

    /// <summary>Somebody has pinned the number.</summary>
    Pin,

    /// <summary>Data is missing, and nothing is removed without it.</summary>
    MissingData,
}
