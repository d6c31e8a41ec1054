namespace Tenfold.Guide;

/// <summary>A private PostgreSQL or Redis of the system.</summary>
public sealed record Store
{
    /// <summary>Which server.</summary>
    public required StoreEngine Engine { get; init; }

    /// <summary>PostgreSQL: folder of numbered SQL files (<c>001-products.sql</c>), relative to the guide, applied once and in order.</summary>
    public string? Schema { get; init; }

    /// <summary>Redis: its memory limit. PostgreSQL: its shared buffers. Default 128Mi for PostgreSQL, 256Mi for Redis.</summary>
    [Between("4Mi", "1024Gi")]
    public ByteSize? Memory { get; init; }

    /// <summary>PostgreSQL: processor share of each of its servers, held by cgroups: <c>500m</c> is half a core. Nothing said is no limit.</summary>
    [Between("10m", "1024")]
    public Cpu? Cpu { get; init; }

    /// <summary>PostgreSQL: connections that each instance keeps. Default for PostgreSQL: min 0, max 20.</summary>
    public Pool? Pool { get; init; }

    /// <summary>PostgreSQL: streaming replicas of each database, on servers of their own; with <see cref="Scale"/> how many there are at first. Default 0; with <see cref="Scale"/> its <see cref="StoreScale.Min"/>.</summary>
    [Between("0", "8")]
    public int Replicas { get; init; }

    /// <summary>PostgreSQL: how the number of replicas changes while it runs. Nothing said is a fixed number.</summary>
    public StoreScale? Scale { get; init; }

    /// <summary>PostgreSQL: whether a commit is answered only when a replica has it on disk, too. Default false.</summary>
    public bool Synchronous { get; init; }

    /// <summary>PostgreSQL: databases that the buckets of its tables are spread over, each a server of its own. Default 1.</summary>
    [Between("1", "64")]
    public int Shards { get; init; } = 1;

    /// <summary>PostgreSQL: logical buckets that shard keys are hashed to; fixed once data is stored. Default 256.</summary>
    [Between("1", "1024")]
    public int Buckets { get; init; } = 256;

    /// <summary>PostgreSQL: how far a replica may be behind and still serve reads. Default 1s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan? ReplicaLag { get; init; }

    /// <summary>PostgreSQL: commands that take longer are logged once a minute with their plan; nothing said logs none.</summary>
    [Between("1ms", "1h")]
    public TimeSpan? SlowQuery { get; init; }

    /// <summary>PostgreSQL: whether a slow query that only reads may be run again for its plan (<c>EXPLAIN ANALYZE</c>), once a minute. Default false.</summary>
    public bool SlowQueryAnalyze { get; init; }

    /// <summary>PostgreSQL: tables in range partitions by date, which are made ahead and dropped when their time is over.</summary>
    public IReadOnlyList<PartitionedTable> Partitions { get; init; } = [];

    /// <summary>PostgreSQL: queries that the system lives on; <c>tenfold check</c> verifies that each has its index.</summary>
    public IReadOnlyList<QueryShape> Queries { get; init; } = [];

    /// <summary>The most replicas that a database may ever have.</summary>
    public int MostReplicas => Math.Max(Replicas, Scale?.Rules.Peak ?? 0);

    /// <summary><see cref="Memory"/>, or its default.</summary>
    public ByteSize MemoryLimit => Memory ?? ByteSize.FromMebibytes(Engine == StoreEngine.Postgres ? 128 : 256);

    /// <summary><see cref="Pool"/>, or its default; null for Redis.</summary>
    public Pool? Connections => Pool ?? (Engine == StoreEngine.Postgres ? new Pool() : null);
}

/// <summary>The servers that a store can be.</summary>
public enum StoreEngine
{
    Postgres,
    Redis,
}

/// <summary>Connections that one instance keeps to a store.</summary>
public sealed record Pool
{
    /// <summary>Fewest connections kept open. Default 0.</summary>
    [Between("0", "10k")]
    public int Min { get; init; }

    /// <summary>Most connections to one server: half for readers of the primary, the rest for writers; to a replica all for readers. Default 20.</summary>
    [Between("1", "10k")]
    public int Max { get; init; } = 20;

    /// <summary>How long a connection above <see cref="Min"/> may be idle before it is closed; whole seconds. Default 5m.</summary>
    [Between("1s", "1d")]
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How old a connection may become before it is closed instead of kept; whole seconds; 0s is any age. Default 0s.</summary>
    [Between("0s", "30d")]
    public TimeSpan Lifetime { get; init; }

    /// <summary>How long a request waits for a connection, to become free or to be made, before it fails; whole seconds. Default 3s.</summary>
    [Between("1s", "5m")]
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(3);
}
