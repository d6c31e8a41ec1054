namespace Tenfold.Jobs.Administration;

/// <summary>A queue in figures.</summary>
public sealed record QueueOverview
{
    /// <summary>Waiting jobs of a queue are counted up to this number; more are estimated from a sample.</summary>
    public const int Counted = 10_000;

    /// <summary>The queue.</summary>
    public required string Name { get; init; }

    /// <summary>Jobs that a worker could start now.</summary>
    public long Ready { get; init; }

    /// <summary>Jobs whose time has not come: delayed, or between two attempts.</summary>
    public long Scheduled { get; init; }

    /// <summary>Jobs that wait for other jobs.</summary>
    public long Blocked { get; init; }

    /// <summary>Jobs that wait as others of their key run.</summary>
    public long Parked { get; init; }

    /// <summary>Jobs that a worker holds.</summary>
    public long Running { get; init; }

    /// <summary>Jobs that have failed for good and are kept.</summary>
    public long DeadLetters { get; init; }

    /// <summary>Whether a count of waiting jobs or of dead letters is above the limit up to which they are counted.</summary>
    public bool IsEstimate { get; init; }

    /// <summary>Seconds for which the oldest ready job has been due; null when none is ready.</summary>
    public double? OldestReadySeconds { get; init; }

    /// <summary>Jobs of the history that completed within the last minute: no more than the queue keeps.</summary>
    public long CompletedLastMinute { get; init; }

    /// <summary>As <see cref="CompletedLastMinute"/>, of the last hour.</summary>
    public long CompletedLastHour { get; init; }

    /// <summary>Jobs of the history that failed for good within the last minute.</summary>
    public long FailedLastMinute { get; init; }

    /// <summary>As <see cref="FailedLastMinute"/>, of the last hour.</summary>
    public long FailedLastHour { get; init; }

    /// <summary>Since when nothing of it is started; null: it is not paused.</summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>Workers that live and work on it.</summary>
    public int Workers { get; init; }

    /// <summary>Kinds among its ready jobs (the first 1,000) that no living worker of it handles.</summary>
    public IReadOnlyList<string> UnhandledKinds { get; init; } = [];

    /// <summary>The same queue in several databases. A worker of all of them has a row in each, so the most of one database count.</summary>
    internal static QueueOverview Sum(IEnumerable<QueueOverview> parts)
    {
        var all = parts.ToList();
        return new QueueOverview
        {
            Name = all[0].Name,
            Ready = all.Sum(one => one.Ready),
            Scheduled = all.Sum(one => one.Scheduled),
            Blocked = all.Sum(one => one.Blocked),
            Parked = all.Sum(one => one.Parked),
            Running = all.Sum(one => one.Running),
            DeadLetters = all.Sum(one => one.DeadLetters),
            IsEstimate = all.Exists(one => one.IsEstimate),
            OldestReadySeconds = all.Max(one => one.OldestReadySeconds),
            CompletedLastMinute = all.Sum(one => one.CompletedLastMinute),
            CompletedLastHour = all.Sum(one => one.CompletedLastHour),
            FailedLastMinute = all.Sum(one => one.FailedLastMinute),
            FailedLastHour = all.Sum(one => one.FailedLastHour),
            PausedAt = all.Min(one => one.PausedAt),
            Workers = all.Max(one => one.Workers),
            UnhandledKinds = [.. all.SelectMany(one => one.UnhandledKinds).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
        };
    }
}
