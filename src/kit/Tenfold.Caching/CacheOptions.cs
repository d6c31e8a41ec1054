namespace Tenfold.Caching;

/// <summary>What holds for the whole cache of one process. Read when the cache is made; not changed afterwards.</summary>
public sealed record CacheOptions
{
    /// <summary>Begins every key in Redis: two systems on one server do not meet. Lower-case letters, digits and dashes. Default <c>app</c>.</summary>
    public string System { get; init; } = "app";

    /// <summary>Bytes of memory (L1), with keys and overhead. Default an eighth of the process's memory limit, 8 MiB to 1 GiB.</summary>
    public long MemoryBytes { get; init; } = Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 8L << 20, 1L << 30);

    /// <summary>Values over this many bytes are handed out but not kept. Default 1 MiB.</summary>
    public int MaxValueBytes { get; init; } = 1 << 20;

    /// <summary>
    /// The bound on propagation: once an invalidation has been acknowledged by Redis, no node serves an older value for longer
    /// than this, whatever happens to connections. 100 ms to 1 min; default 1 s.
    /// </summary>
    public TimeSpan PropagationBound { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A command that takes longer counts as failed, and the request goes on without Redis. Default 500 ms.</summary>
    public TimeSpan RedisTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>So many commands in a row must fail before Redis is left alone for <see cref="BreakFor"/>. Default 5.</summary>
    public int BreakAfter { get; init; } = 5;

    /// <summary>How long the circuit breaker leaves Redis alone. Default 1 s.</summary>
    public TimeSpan BreakFor { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A node that has not been heard of for this long has lost its locks. Default 2 s.</summary>
    public TimeSpan NodeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Invalidations kept while Redis is away; when there are more, everything is invalidated once it is back. Default 10,000.</summary>
    public int JournalSize { get; init; } = 10_000;

    /// <summary>Tags whose generation this process remembers; over it they are forgotten and read again. Default 65,536.</summary>
    public int MaxTags { get; init; } = 1 << 16;

    /// <summary>Policy of keys that are used without one, as by <c>HybridCache</c>'s own callers. Default: 5 minutes.</summary>
    public CachePolicy DefaultPolicy { get; init; } = new() { Ttl = TimeSpan.FromMinutes(5) };

    /// <summary>
    /// Off, L1 is served without asking whether the server still vouches for it, and stores are not fenced: what caches without
    /// this protocol do. For the test that shows that the history checker finds such a cache out.
    /// </summary>
    internal bool Coherent { get; init; } = true;

    internal CacheOptions Checked()
    {
        Require(System.Length is > 0 and <= 60 && System.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'), nameof(System), System, "1 to 60 lower-case letters, digits and dashes");
        Require(MemoryBytes >= 1 << 16, nameof(MemoryBytes), MemoryBytes, "65536 or more");
        Require(MaxValueBytes is > 0 and <= 512 << 20, nameof(MaxValueBytes), MaxValueBytes, "1 to 512 MiB");
        Require(PropagationBound >= TimeSpan.FromMilliseconds(100) && PropagationBound <= TimeSpan.FromMinutes(1), nameof(PropagationBound), PropagationBound, "100 ms to 1 min");
        Require(RedisTimeout > TimeSpan.Zero, nameof(RedisTimeout), RedisTimeout, "above 0");
        Require(NodeTimeout >= TimeSpan.FromMilliseconds(200), nameof(NodeTimeout), NodeTimeout, "200 ms or more");
        Require(BreakFor >= TimeSpan.Zero, nameof(BreakFor), BreakFor, "0 or more");
        Require(BreakAfter > 0, nameof(BreakAfter), BreakAfter, "1 or more");
        Require(JournalSize > 0, nameof(JournalSize), JournalSize, "1 or more");
        Require(MaxTags >= 64, nameof(MaxTags), MaxTags, "64 or more");
        DefaultPolicy.Checked("default");
        return this;
    }

    private static void Require(bool holds, string what, object found, string allowed)
    {
        if (!holds)
        {
            throw new ArgumentException($"Cache options: {what} is {found}; allowed: {allowed}.", what);
        }
    }
}
