using System.Collections.Concurrent;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Memory;

namespace Tenfold.Caching.Coherence;

/// <summary>What the parts of one cache share: who it is, what it may believe, what Redis has yet to be told.</summary>
internal sealed record CacheState(string Node, RedisKeys Keys, Lease Lease, Journal Journal, TagTable Tags, MemoryTier Memory, Clock Clock)
{
    private volatile TagStamp? _lastStamp;
    private long _tagInvalidations;

    /// <summary>Tags invalidated by this process.</summary>
    public long TagInvalidations => Interlocked.Read(ref _tagInvalidations);

    public void CountTagInvalidation() => Interlocked.Increment(ref _tagInvalidations);

    /// <summary>Regions by the name of their keys in Redis.</summary>
    public ConcurrentDictionary<string, CacheRegion> Regions { get; } = new(StringComparer.Ordinal);

    /// <summary>An entry as it was read from Redis.</summary>
    public CacheEntry Build(EntryImage image, CachePolicy policy, TimeSpan? timeToLive, long now, int epoch)
    {
        var remaining = timeToLive is { } left ? (long)left.TotalMilliseconds : image.LifetimeMs + image.StaleMs;
        return new CacheEntry(image, StampOf(Array.ConvertAll(image.Tags, Tags.Of), image.Generations), Times.Of(image, policy, Clock, now, remaining, epoch));
    }

    /// <summary>The last stamp again, where it is the same: a hit then reads memory that other hits have read.</summary>
    public TagStamp StampOf(TagState[] tags, long[] generations)
    {
        if (_lastStamp is { } last && last.Is(tags, generations))
        {
            return last;
        }

        return _lastStamp = new TagStamp(tags, generations);
    }
}
