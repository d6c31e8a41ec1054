namespace Tenfold.Guide;

/// <summary>One system's guide: what it consists of and what it promises. Immutable; thread-safe.</summary>
/// <remarks>Read it with <see cref="Reading.GuideReader"/>; every default is already resolved.</remarks>
public sealed record SystemGuide
{
    /// <summary>What the Redis of the cache is called where there are several.</summary>
    public const string CacheStoreName = "cache";

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

    /// <summary>What each route promises.</summary>
    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>The load tests, by name.</summary>
    public IReadOnlyDictionary<string, LoadTest> Load { get; init; } = new Dictionary<string, LoadTest>();

    /// <summary>The store that the cache is in: the one called so, else the only Redis; null for none.</summary>
    [NotAKey]
    public string? CacheStore => Stores.TryGetValue(CacheStoreName, out var named) && named.Engine == StoreEngine.Redis
        ? CacheStoreName
        : Stores.Where(store => store.Value.Engine == StoreEngine.Redis).Select(store => store.Key).FirstOrDefault();
}
