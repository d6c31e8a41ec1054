using Tenfold.Redis;

namespace Tenfold.RateLimiting;

/// <summary>How a <see cref="DistributedRateLimiter"/> works. Immutable.</summary>
public sealed record RateLimiterOptions
{
    /// <summary>The Redis that counts for all processes together. Null: this process counts on its own, as its insurance says.</summary>
    public RedisOptions? Redis { get; init; }

    /// <summary>
    /// Beginning of every key. Default <c>{rl}</c>; the braces keep all keys in one slot of a cluster, which deciding under several
    /// limits at once needs.
    /// </summary>
    public string KeyPrefix { get; init; } = "{rl}";

    /// <summary>
    /// How long Redis may take to answer before this process decides on its own; holds to within 100 ms. A decision that waits
    /// for another one's answer first may take twice as long. Default 100 ms.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Callers that this process remembers, 64 bytes each; when there are more, who has used up the least is forgotten. Default 50,000.</summary>
    public int RememberedCallers { get; init; } = 50_000;
}
