namespace Tenfold.Guide;

/// <summary>One system's guide: what it consists of and what it promises. Immutable; thread-safe.</summary>
/// <remarks>Read it with <see cref="Reading.GuideReader"/>; every default is already resolved.</remarks>
public sealed record SystemGuide
{
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

    /// <summary>What each route promises.</summary>
    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    /// <summary>The load tests, by name.</summary>
    public IReadOnlyDictionary<string, LoadTest> Load { get; init; } = new Dictionary<string, LoadTest>();
}
