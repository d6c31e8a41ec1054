using System.Collections.Concurrent;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Memory;

namespace Tenfold.Caching.Coherence;

/// <summary>What the parts of one cache share: who it is, what it may believe, what Redis has yet to be told.</summary>
internal sealed record CacheState(string Node, RedisKeys Keys, Lease Lease, Journal Journal, TagTable Tags, MemoryTier Memory, Clock Clock)
{
    /// <summary>Regions by the name of their keys in Redis.</summary>
    public ConcurrentDictionary<string, CacheRegion> Regions { get; } = new(StringComparer.Ordinal);

    /// <summary>An entry as it was read from Redis.</summary>
    public CacheEntry Build(EntryImage image, CachePolicy policy, TimeSpan? timeToLive, long now, int epoch)
    {
        var remaining = timeToLive is { } left ? (long)left.TotalMilliseconds : image.LifetimeMs + image.StaleMs;
        return new CacheEntry(image, Array.ConvertAll(image.Tags, Tags.Of), Times.Of(image, policy, Clock, now, remaining, epoch));
    }
}
