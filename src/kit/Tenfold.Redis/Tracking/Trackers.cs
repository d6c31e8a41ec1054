using System.Collections.Immutable;

namespace Tenfold.Redis.Tracking;

/// <summary>The trackers of a client.</summary>
internal sealed class Trackers
{
    private ImmutableArray<IRedisTracker> _all = [];

    public void Add(IRedisTracker tracker) => ImmutableInterlocked.Update(ref _all, static (all, one) => all.Contains(one) ? all : all.Add(one), tracker);

    public void Remove(IRedisTracker tracker) => ImmutableInterlocked.Update(ref _all, static (all, one) => all.Remove(one), tracker);

    /// <summary>Keys that a push named; null means every key.</summary>
    public void Invalidate(RedisReply keys)
    {
        if (keys.IsNull)
        {
            InvalidateAll();
            return;
        }

        foreach (ref readonly var key in keys.Items.Span)
        {
            foreach (var tracker in _all)
            {
                tracker.OnInvalidated(key.Bytes);
            }
        }
    }

    public void InvalidateAll()
    {
        foreach (var tracker in _all)
        {
            tracker.OnInvalidatedAll();
        }
    }
}
