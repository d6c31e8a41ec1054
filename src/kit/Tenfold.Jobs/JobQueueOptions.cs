namespace Tenfold.Jobs;

/// <summary>How a queue's jobs are run. Immutable; of the guide's <c>queues:</c>, or of <see cref="JobOptions.Queues"/>.</summary>
public sealed record JobQueueOptions
{
    /// <summary>How often a job is tried before it goes to the dead letters. Default 10.</summary>
    public int Attempts { get; init; } = 10;

    /// <summary>
    /// How many workers may die while they run a job before it goes to the dead letters, as it may be what kills them. Default 3; more for long jobs
    /// that go on where they were. 1: it is not begun again after a death.
    /// </summary>
    public int Deaths { get; init; } = 3;

    /// <summary>Pauses between attempts. Default: 2 s, doubled each time, at most 1 h, up to a fifth longer or shorter.</summary>
    public Backoff Backoff { get; init; } = new();

    /// <summary>Jobs of this queue that one worker runs at the same time. Default 10.</summary>
    public int Concurrency { get; init; } = 10;

    /// <summary>How long one run may take. Default 1 h.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What is kept of jobs that have ended.</summary>
    public JobKeep Keep { get; init; } = new();

    /// <summary>Jobs of one key that run at the same time in the whole cluster; null is no limit. Jobs without a key are not limited.</summary>
    public int? KeyConcurrency { get; init; }

    /// <summary>Jobs of one key that are started in a time, in the whole cluster; null is no limit.</summary>
    public JobRate? KeyRate { get; init; }

    /// <summary>Jobs of the queue that are started in a time, in the whole cluster; null is no limit.</summary>
    public JobRate? Rate { get; init; }
}

/// <summary>So many starts in a time, evenly spread, with bursts of up to <paramref name="Limit"/> after a pause (GCRA, as of ATM cells).</summary>
/// <param name="Limit">Starts.</param>
/// <param name="Per">The time.</param>
public sealed record JobRate(int Limit, TimeSpan Per);

/// <summary>How much of the history of a queue is kept: the newest ones, and of these what is younger than <paramref name="For"/>.</summary>
/// <param name="Completed">Completed and cancelled jobs. Default 1,000.</param>
/// <param name="Failed">Dead letters. Default 5,000.</param>
/// <param name="For">Age since they ended; null is any age.</param>
public sealed record JobKeep(int Completed = 1000, int Failed = 5000, TimeSpan? For = null);

/// <summary>Pauses between the attempts of a job.</summary>
public sealed record Backoff
{
    /// <summary>Before the second attempt; 0 is at once. Default 2 s.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>By how much each further one is longer; 1 for a fixed pause. Default 2.</summary>
    public double Factor { get; init; } = 2;

    /// <summary>The longest. Default 1 h.</summary>
    public TimeSpan Most { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Share by which each pause is longer or shorter at random, so that what failed together does not come back together. Default 0.2.</summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>The pause after a failure.</summary>
    /// <param name="failures">Failed attempts so far, at least 1.</param>
    /// <param name="random">From 0 to below 1.</param>
    public TimeSpan After(int failures, double random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        var pause = First == TimeSpan.Zero ? 0 : Math.Min(First.TotalSeconds * Math.Pow(Factor, failures - 1), Most.TotalSeconds);
        return TimeSpan.FromSeconds(pause * (1 + (Jitter * ((2 * random) - 1))));
    }
}
