namespace Tenfold.AspNetCore;

/// <summary>What an app may set beside the instance contract. Set in <c>AddTenfold</c>; not changed afterwards.</summary>
public sealed class TenfoldOptions
{
    /// <summary>How long requests in flight may take after SIGTERM. Default: the guide's <c>drain</c> of this service; 30 s outside a system.</summary>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Largest request body in bytes; over it 413. Default 1 MiB.</summary>
    public long MaxRequestBody { get; set; } = 1 << 20;

    /// <summary>How long a store may take to answer a readiness check before the instance counts as not ready. Default 750 ms.</summary>
    public TimeSpan HealthTimeout { get; set; } = TimeSpan.FromMilliseconds(750);

    /// <summary>How long an answer of <c>/health</c> is good for, at most 1 s. Default 500 ms.</summary>
    public TimeSpan HealthFor { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>PostgreSQL ends a statement that runs longer; the request gets 503. Default 5 s.</summary>
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a request waits for a connection of the pool, or for a new one to open, before it gets 503. Default 3 s.</summary>
    public TimeSpan ConnectionWait { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a session, and its cookie, lasts since it was used last. Default 24 h.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>The Redis that keeps sessions and cookie keys, by its connection string's name. Default: the first one there is.</summary>
    public string? SessionStore { get; set; }

    internal Dictionary<string, Func<Postgres.Shards.ShardedStoreOptions, Postgres.Shards.ShardedStoreOptions>?> Sharded { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Makes a PostgreSQL a <see cref="Postgres.Shards.ShardedStore"/> in the container, keyed by its name (<c>main</c> is also the
    /// unkeyed one), however many databases it has now. One whose guide says more than one shard is one without being asked for.
    /// </summary>
    /// <param name="store">The store's name: its home database is <c>ConnectionStrings__NAME</c>, the others are <c>ConnectionStrings__NAME_1</c> and so on.</param>
    /// <param name="configure">Changes what the guide and the defaults say, e.g. to buckets by range.</param>
    public void UseShards(string store, Func<Postgres.Shards.ShardedStoreOptions, Postgres.Shards.ShardedStoreOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(store);
        Sharded[store] = configure;
    }

    /// <summary>Seconds that a client is asked to wait (<c>Retry-After</c>) when a store is away. Default 1.</summary>
    public int RetryAfterSeconds { get; set; } = 1;

    /// <summary>Bounds of the cache: memory, the largest value, the bound on propagation. In a system, its name is the guide's.</summary>
    public Tenfold.Caching.CacheOptions Cache { get; set; } = new();

    /// <summary>Cache policies for when no guide has them; the guide's own win.</summary>
    public IDictionary<string, Tenfold.Caching.CachePolicy> CachePolicies { get; } = new Dictionary<string, Tenfold.Caching.CachePolicy>(StringComparer.Ordinal);
}
