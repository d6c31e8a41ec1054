namespace Tenfold.Guide;

/// <summary>How the background jobs of one queue are run: in a PostgreSQL store, by the instances of a service.</summary>
public sealed record QueuePolicy
{
    /// <summary>How often a job is tried before it goes to the dead letters. Default 10.</summary>
    [Between("1", "1k")]
    public int Attempts { get; init; } = 10;

    /// <summary>How many instances may die while they run a job before it goes to the dead letters. Default 3.</summary>
    [Between("1", "1k")]
    public int Deaths { get; init; } = 3;

    /// <summary>Pauses between attempts.</summary>
    public QueueBackoff Backoff { get; init; } = new();

    /// <summary>Jobs of this queue that one instance runs at the same time. Default 10.</summary>
    [Between("1", "10k")]
    public int Concurrency { get; init; } = 10;

    /// <summary>How long one run may take. Default 1h.</summary>
    [Between("100ms", "30d")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What is kept of jobs that have ended.</summary>
    public QueueKeep Keep { get; init; } = new();

    /// <summary>Jobs of the queue that are started in a time, by all instances together. Nothing said is no limit.</summary>
    public QueueRate? Rate { get; init; }

    /// <summary>Limits for jobs of the same key, over all instances. Nothing said is no limit.</summary>
    public QueueKey? PerKey { get; init; }

    /// <summary>The service whose instances work on it. Default: the one called worker, else every one with a project.</summary>
    public string? Service { get; init; }

    /// <summary>The PostgreSQL that its jobs are kept in. Default: the one called main, else the only one.</summary>
    public string? Store { get; init; }
}

/// <summary>Pauses between the attempts of a job. At most one of <see cref="Exponential"/> and <see cref="Fixed"/> is set.</summary>
public sealed record QueueBackoff
{
    /// <summary>Before the second attempt; each further pause is twice as long. Default: 2s, unless <see cref="Fixed"/> is given.</summary>
    [Between("10ms", "30d")]
    public TimeSpan? Exponential { get; init; }

    /// <summary>The same pause each time.</summary>
    [Between("0s", "30d")]
    public TimeSpan? Fixed { get; init; }

    /// <summary>The longest pause of <see cref="Exponential"/>. Default 1h.</summary>
    [Between("10ms", "30d")]
    public TimeSpan Most { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Each pause is longer or shorter by a random share of up to this, so that what failed together does not come back together. Default 20%.</summary>
    [Between("0%", "100%")]
    public Percentage Jitter { get; init; } = new(0.2);
}

/// <summary>How much of a queue's history is kept: the newest ones, and of these what is younger than <see cref="For"/>.</summary>
public sealed record QueueKeep
{
    /// <summary>Completed and cancelled jobs. Default 1000.</summary>
    [Between("0", "10M")]
    public int Completed { get; init; } = 1000;

    /// <summary>Dead letters: jobs that have failed for good. Default 5000.</summary>
    [Between("0", "10M")]
    public int Failed { get; init; } = 5000;

    /// <summary>How long after they have ended. Nothing said is any age.</summary>
    [Between("1m", "36500d")]
    public TimeSpan? For { get; init; }
}

/// <summary>So many starts in a time, evenly spread, with bursts of up to <see cref="Limit"/> after a pause.</summary>
public sealed record QueueRate
{
    /// <summary>Jobs started in every <see cref="Per"/>.</summary>
    [Between("1", "1M")]
    public required int Limit { get; init; }

    /// <summary>The time that <see cref="Limit"/> is about.</summary>
    [Between("100ms", "366d")]
    public required TimeSpan Per { get; init; }
}

/// <summary>Limits for jobs of the same key, such as a customer's number. Jobs without a key are not limited.</summary>
public sealed record QueueKey
{
    /// <summary>Jobs of one key that run at the same time. Nothing said is no limit.</summary>
    [Between("1", "10k")]
    public int? Concurrency { get; init; }

    /// <summary>Jobs of one key that are started in a time. Nothing said is no limit.</summary>
    public QueueRate? Rate { get; init; }
}
