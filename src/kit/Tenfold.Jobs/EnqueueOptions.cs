namespace Tenfold.Jobs;

/// <summary>How a job waits and runs, where it differs from its queue. Immutable.</summary>
public sealed record EnqueueOptions
{
    /// <summary>Highest number of <see cref="Priority"/>: what comes last.</summary>
    public const int LastPriority = 9;

    /// <summary>The queue. Default: that of the job's <see cref="JobAttribute"/>.</summary>
    public string? Queue { get; init; }

    /// <summary>0 comes first, 9 last. Default 5. Jobs of one priority run in the order in which they became ready.</summary>
    public int Priority { get; init; } = 5;

    /// <summary>Not before so long from now, by the database's clock. Default: at once.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Not before this moment. Not together with <see cref="Delay"/>.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>The job is of no use after this moment: it fails without being run, or is cancelled while it runs. Default, and <see cref="DateTimeOffset.MaxValue"/>: none.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>How often it is tried. Default: as its queue says.</summary>
    public int? Attempts { get; init; }

    /// <summary>What the queue's limits of concurrency and rate per key count by, e.g. a customer's number. At most 200 characters.</summary>
    public string? Key { get; init; }

    /// <summary>At most one job of this kind with the same value at a time; another one is not enqueued.</summary>
    public JobUnique? Unique { get; init; }

    /// <summary>Jobs of the same database that must have completed first; this one fails when one of them does.</summary>
    public IReadOnlyList<long> After { get; init; } = [];
}

/// <summary>What makes a job one of its kind.</summary>
/// <param name="Value">Compared within the kind, at most 200 characters.</param>
/// <param name="While">How long another one is refused.</param>
/// <param name="For">With <see cref="UniqueWhile.Time"/>: for how long since it was enqueued, whether it has run or not.</param>
public sealed record JobUnique(string Value, UniqueWhile While = UniqueWhile.WaitingOrRunning, TimeSpan? For = null);

/// <summary>While what another job with the same value is refused.</summary>
public enum UniqueWhile
{
    /// <summary>Until it starts to run: for work that reads the newest state when it runs.</summary>
    Waiting = 1,

    /// <summary>Until it has ended.</summary>
    WaitingOrRunning = 2,

    /// <summary>For a time since it was enqueued.</summary>
    Time = 3,
}

/// <summary>What became of an enqueue.</summary>
/// <param name="Id">The job; it carries the number of its database: id modulo 1,000.</param>
/// <param name="IsNew">False: a job with the same <see cref="EnqueueOptions.Unique"/> is there, and this is its id.</param>
public readonly record struct Enqueued(long Id, bool IsNew);
