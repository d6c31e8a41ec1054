namespace Tenfold.Guide;

/// <summary>One system's guide: what it consists of and what it promises. Immutable; thread-safe.</summary>
/// <remarks>Read it with <see cref="Reading.GuideReader"/>; every default is already resolved.</remarks>
public sealed record SystemGuide
{
    /// <summary>What the Redis of the cache is called where there are several.</summary>
    public const string CacheStoreName = "cache";

    /// <summary>The PostgreSQL that jobs are kept in where there are several.</summary>
    public const string JobStoreName = "main";

    /// <summary>What the service that works on queues is called unless they say otherwise.</summary>
    public const string WorkerName = "worker";

    /// <summary>The system's name: lower-case letters, digits and dashes.</summary>
    public required string System { get; init; }

    /// <summary>The folder that the guide lies in; every relative path of the guide starts there.</summary>
    [NotAKey]
    public string Folder { get; init; } = ".";

    /// <summary>What is deployed, by name.</summary>
    public IReadOnlyDictionary<string, Service> Services { get; init; } = new Dictionary<string, Service>();

    /// <summary>Where data is kept, by name.</summary>
    public IReadOnlyDictionary<string, Store> Stores { get; init; } = new Dictionary<string, Store>();

    /// <summary>The entrance: port, routes, limits.</summary>
    public GatewaySection Gateway { get; init; } = new();

    /// <summary>How many requests one caller may send, by name.</summary>
    public IReadOnlyDictionary<string, RateLimit> RateLimits { get; init; } = new Dictionary<string, RateLimit>();

    /// <summary>How values are cached, by name of their kind.</summary>
    public IReadOnlyDictionary<string, CachePolicy> Cache { get; init; } = new Dictionary<string, CachePolicy>();

    /// <summary>Requests whose answers are cached ahead, by name.</summary>
    public IReadOnlyDictionary<string, Warmup> Warm { get; init; } = new Dictionary<string, Warmup>();

    /// <summary>How background jobs are run, by name of their queue.</summary>
    public IReadOnlyDictionary<string, QueuePolicy> Queues { get; init; } = new Dictionary<string, QueuePolicy>();

    /// <summary>What each route promises.</summary>
    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>Sizes that the system is to reach, the smallest first.</summary>
    public IReadOnlyList<Milestone> Milestones { get; init; } = [];

    /// <summary>The load tests, by name.</summary>
    public IReadOnlyDictionary<string, LoadTest> Load { get; init; } = new Dictionary<string, LoadTest>();

    /// <summary>The store that the cache is in: the one called so, else the only Redis; null for none.</summary>
    [NotAKey]
    public string? CacheStore => Stores.TryGetValue(CacheStoreName, out var named) && named.Engine == StoreEngine.Redis
        ? CacheStoreName
        : Stores.Where(store => store.Value.Engine == StoreEngine.Redis).Select(store => store.Key).FirstOrDefault();

    /// <summary>The PostgreSQL that jobs are kept in: that of the queues, else as if there was one with all defaults; null for none.</summary>
    [NotAKey]
    public string? JobStore => StoreOf(Queues.Values.FirstOrDefault() ?? new QueuePolicy());

    /// <summary>Whether instances of a service work on a queue. One that the guide does not name is treated as one with all defaults.</summary>
    public bool WorksOn(string service, string queue) =>
        (Queues.GetValueOrDefault(queue)?.Service ?? (Services.GetValueOrDefault(WorkerName)?.Project is null ? null : WorkerName)) is { } only
            ? only == service
            : Services.GetValueOrDefault(service)?.Project is not null;

    /// <summary>The store of a queue's jobs: its own, else the PostgreSQL called main, else the only one; null where none of these is.</summary>
    internal string? StoreOf(QueuePolicy queue) => (queue.Store, Stores.Where(store => store.Value.Engine == StoreEngine.Postgres).Select(store => store.Key).ToArray()) switch
    {
        ({ } named, _) => named,
        (null, [var only]) => only,
        (null, var several) => several.Contains(JobStoreName, StringComparer.Ordinal) ? JobStoreName : null,
    };
}
