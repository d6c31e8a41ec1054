using Tenfold.Caching.Coherence;
using Tenfold.Caching.Loading;

namespace Tenfold.Caching;

/// <summary>Invalidates entries and puts them; docs/cache.md states the protocol. Thread-safe.</summary>
internal sealed class CacheWriter(CacheState state, RedisTier? redis, EntryMaker maker)
{
    /// <summary>True once Redis has acknowledged it; false when it will be told later.</summary>
    public async ValueTask<bool> InvalidateAsync(CacheRegion region, string name)
    {
        region.Counters.Invalidation();
        Overtake(region, name);
        if (redis is null)
        {
            return true;
        }

        var told = await redis.InvalidateAsync(new PendingInvalidation(region.Partition, name));
        Overtake(region, name); // whatever was read before the acknowledgement
        return told;
    }

    /// <summary>As <see cref="InvalidateAsync"/>, for every entry under the tag.</summary>
    public async ValueTask<bool> InvalidateTagAsync(string tag)
    {
        state.CountTagInvalidation();
        if (redis is null)
        {
            if (state.Tags.TryGet(tag, out var known))
            {
                known!.Advance();
            }

            return true;
        }

        OvertakeAll();
        var told = await redis.InvalidateAsync(new PendingInvalidation(null, tag));
        if (state.Tags.TryGet(tag, out var watched))
        {
            watched!.Generation = TagState.Unknown;
        }

        OvertakeAll();
        return told;
    }

    /// <summary>Puts a value in place of whatever is there. Loads that run meanwhile do not replace it.</summary>
    public async ValueTask SetAsync(CacheRegion region, string name, LoadRequest request, CancellationToken cancel)
    {
        var (begun, epoch) = (state.Clock.Now, state.Lease.UntrackedEpoch);
        var tags = Array.ConvertAll(request.Tags, state.Tags.Of);
        var local = Array.ConvertAll(tags, tag => tag.Generation);
        var loaded = await request.LoadAsync(cancel);
        var kept = maker.IsKept(region, name, request, loaded);
        Overtake(region, name);
        if (redis is null)
        {
            if (kept)
            {
                region.Memory.Put(name, maker.Local(maker.Image(request, loaded, local), tags, request.Policy, loaded));
            }

            return;
        }

        if (kept && redis.IsUsable && !request.PastRedis && await redis.GenerationsAsync(tags, cancel) is { } generations
            && await redis.PutAsync(region.Partition, name, maker.Image(request, loaded, generations)))
        {
            Overtake(region, name);
            return;
        }

        // Not kept there: the least that others must see is that the old value is gone.
        await InvalidateAsync(region, name);
        if (kept)
        {
            region.Memory.Put(name, maker.Brief(request, loaded, begun, epoch));
        }
    }

    private static void Overtake(CacheRegion region, string name)
    {
        if (region.Flights.TryGetValue(name, out var flight))
        {
            flight.Overtaken = true;
        }

        region.Memory.Remove(name);
    }

    /// <summary>
    /// For a tag, where it is not known which flights stand under it. While Redis can be used the generations that each load
    /// began with are compared when it is stored; otherwise all of them load again.
    /// </summary>
    private void OvertakeAll()
    {
        state.Lease.EndUntracked();
        if (redis!.IsUsable)
        {
            return;
        }

        foreach (var (_, region) in state.Regions)
        {
            foreach (var (_, flight) in region.Flights)
            {
                flight.Overtaken = true;
            }
        }
    }
}
