using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Tenfold.Redis.Tracking;

/// <summary>The trackers of a client.</summary>
internal sealed class Trackers(ILogger log)
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
            try
            {
                tracker.OnInvalidatedAll();
            }
#pragma warning disable CA1031 // The other trackers, and what is under way, must hear of it too.
            catch (Exception e)
#pragma warning restore CA1031
            {
                log.LogError(e, "A tracker failed to drop its copies; it may serve what is out of date");
            }
        }
    }
}
