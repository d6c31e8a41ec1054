namespace Tenfold.Guide;

/// <summary>How one kind of value is cached: in the memory of each instance, and in Redis for all of them.</summary>
public sealed record CachePolicy
{
    /// <summary>How long a value is fresh.</summary>
    [Between("10ms", "365d")]
    public required TimeSpan Ttl { get; init; }

    /// <summary>How long an instance serves it from its own memory before it asks Redis again. Default: <see cref="Ttl"/>.</summary>
    [Between("10ms", "365d")]
    public TimeSpan? L1Ttl { get; init; }

    /// <summary>Each lifetime is shortened by a random share of up to this, so that entries do not expire together. Default 5%.</summary>
    [Between("0%", "90%")]
    public Percentage Jitter { get; init; } = new(0.05);

    /// <summary>Tags of every entry, to invalidate them together; the app may add more.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>How long after it has expired a value may stand in for a load that fails or is slow. Never one that was invalidated. Default 0s.</summary>
    [Between("0s", "365d")]
    public TimeSpan Stale { get; init; }

    /// <summary>After a failed load that a stale value stood in for, none is tried for so long. Default 1s.</summary>
    [Between("0s", "1h")]
    public TimeSpan Throttle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Share of its lifetime after which a hit refreshes a value in the background.</summary>
    [Between("1%", "99%")]
    public Percentage? Eager { get; init; }

    /// <summary>How long "there is no such thing" (404) is kept.</summary>
    [Between("10ms", "365d")]
    public TimeSpan? Negative { get; init; }

    /// <summary>A load that takes longer goes on in the background, and a stale value is served.</summary>
    [Between("1ms", "1h")]
    public TimeSpan? SoftTimeout { get; init; }

    /// <summary>A load that takes longer is given up. Default 30s.</summary>
    [Between("1ms", "1h")]
    public TimeSpan HardTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Part of every key: take the next one when a release changes what values look like. Default 1.</summary>
    [Between("1", "999999")]
    public int Version { get; init; } = 1;

    /// <summary>What answers say to caches outside the system.</summary>
    public CacheHttp Http { get; init; } = new();
}

/// <summary>Response headers for caches outside the system. What is not given is not sent.</summary>
public sealed record CacheHttp
{
    /// <summary>Browsers and other caches: <c>Cache-Control: max-age</c>; <c>0s</c> says <c>no-cache</c>: ask again each time.</summary>
    [Between("0s", "365d")]
    public TimeSpan? MaxAge { get; init; }

    /// <summary>Only the caller's own browser may keep it. Default false.</summary>
    public bool Private { get; init; }

    /// <summary>Added to <c>Cache-Control</c>: an expired copy may be used while a new one is fetched.</summary>
    [Between("0s", "365d")]
    public TimeSpan? StaleWhileRevalidate { get; init; }

    /// <summary>Added to <c>Cache-Control</c>: an expired copy may be used when the system fails.</summary>
    [Between("0s", "365d")]
    public TimeSpan? StaleIfError { get; init; }

    /// <summary>Content delivery networks: <c>CDN-Cache-Control: max-age</c>.</summary>
    [Between("0s", "365d")]
    public TimeSpan? Cdn { get; init; }

    /// <summary>Surrogates such as Varnish: <c>Surrogate-Control: max-age</c>.</summary>
    [Between("0s", "365d")]
    public TimeSpan? Surrogate { get; init; }

    /// <summary>Request headers that the answer depends on: part of the key, and named in <c>Vary</c>. The app sees no other headers of a cached request.</summary>
    public IReadOnlyList<string> Vary { get; init; } = [];
}

/// <summary>Requests that an instance sends to itself so that their answers are cached. One instance at a time does it for all.</summary>
public sealed record Warmup
{
    /// <summary>Paths, with query.</summary>
    public required IReadOnlyList<string> Requests { get; init; }

    /// <summary>The service that warms. Default: the only one.</summary>
    public string? Service { get; init; }

    /// <summary>When an instance starts, unless another one has just done it. Default true.</summary>
    public bool OnStart { get; init; } = true;

    /// <summary>How often it is done again.</summary>
    [Between("1s", "365d")]
    public TimeSpan? Every { get; init; }

    /// <summary>Requests at a time. Default 4.</summary>
    [Between("1", "64")]
    public int Concurrency { get; init; } = 4;

    /// <summary>For one request. Default 30s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}
