namespace Tenfold.Postgres;

/// <summary>How a store is reached. Immutable; resolved by whoever makes the store.</summary>
public sealed record PostgresOptions
{
    /// <summary>The store's name, in metrics, logs and errors.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Npgsql's key-values. <c>Host</c> may name several servers (<c>a:5432,b:5432</c>, also folders of Unix sockets,
    /// <c>/run/a:5432,/run/b:5433</c>): a primary and its replicas, in any order; their roles are found by asking each one.
    /// <c>Maximum Pool Size</c> is for one server: half of it is for readers of the primary, the rest for writers; a replica
    /// gives all of it to readers.
    /// </summary>
    public required string ConnectionString { get; init; }

    /// <summary>
    /// Says that each server of <see cref="ConnectionString"/> is a pooler in transaction mode (PgBouncer) in front of a PostgreSQL.
    /// Null (the default): these are the servers themselves.
    /// </summary>
    public TransactionPooler? Pooler { get; init; }

    /// <summary>How far a replica may be behind and still serve callers that have written nothing. Default 1 s.</summary>
    public TimeSpan ReplicaLag { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long <see cref="PostgresStore.OpenReaderAsync"/> waits for a replica to replay what the caller has written, before it
    /// takes the primary. Default 20 ms.
    /// </summary>
    public TimeSpan CatchUp { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a write waits for a primary to be found when the last one has gone. Default 10 s.</summary>
    public TimeSpan FailoverWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Commands that take longer are logged once a minute, by their text, with how often, their p95 and PostgreSQL's plan. Null (the
    /// default) logs none. Npgsql measures whole milliseconds, from sending a command to closing its reader.
    /// </summary>
    public TimeSpan? SlowQuery { get; init; }

    /// <summary>
    /// Whether a slow query may be run again, once a minute and in a read-only transaction, so that its plan says what it did
    /// (<c>EXPLAIN ANALYZE</c>). The parameters of the longest call of each text are then kept until it is logged, and each command
    /// costs some allocations. Default false.
    /// </summary>
    public bool SlowQueryAnalyze { get; init; }

    /// <summary>Default of <see cref="ScanRows"/>.</summary>
    public const long DefaultScanRows = 10_000;

    /// <summary>A slow query that reads a whole table of more rows than this is told which index would serve it. Default 10,000.</summary>
    public long ScanRows { get; init; } = DefaultScanRows;

    /// <summary>How often each server is asked for its role and position. Each pause is up to a fifth shorter or longer.</summary>
    internal TimeSpan PollEvery => TimeSpan.FromMilliseconds(Math.Clamp(ReplicaLag.TotalMilliseconds / 4, 50, 500));
}
