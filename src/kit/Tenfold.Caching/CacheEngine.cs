using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;

namespace Tenfold.Caching;

/// <summary>
/// Reads, puts and invalidates entries; knows bytes, not types. A caller only takes an answer that was right within the bound on
/// propagation before it asked; docs/cache.md states the protocol. Thread-safe.
/// </summary>
internal sealed class CacheEngine(CacheOptions options, CacheState state, RedisTier? redis, EntryMaker maker, Finder finder, ILogger logger)
{
    private const int SharedAttempts = 3;

    private readonly Clock _clock = state.Clock;
    private readonly Lease _lease = state.Lease;
    private readonly bool _coherent = options.Coherent;
    private readonly long _bound = state.Clock.Ticks(options.PropagationBound);

    /// <summary>A value in memory that may be served as it is; whoever gets <paramref name="refresh"/> refreshes it. Does not allocate.</summary>
    public bool TryFresh(CacheRegion region, string name, [NotNullWhen(true)] out CacheEntry? entry, out bool refresh)
    {
        if (region.Memory.TryGet(name, out entry))
        {
            var now = _clock.Now;
            if (now < entry.FreshUntil && (_lease.Covers(entry.Epoch, now) || !_coherent) && entry.TagsHold())
            {
                refresh = now >= entry.EagerFrom && now >= entry.RetryAt && entry.ClaimRefresh();
                return true;
            }
        }

        (entry, refresh) = (null, false);
        return false;
    }

    /// <summary>The value, from wherever it is to be had; null when it is not cached and the request may not load it.</summary>
    public async ValueTask<CacheEntry?> ReadAsync(CacheRegion region, string name, LoadRequest request, CancellationToken cancel)
    {
        var begun = _clock.Now;
        if (region.Memory.TryGet(name, out var stale) && begun < stale.RetryAt && begun < stale.StaleUntil && state.Lease.Covers(stale.Epoch, begun) && stale.TagsHold())
        {
            region.Counters.Stale();
            return stale;
        }

        for (var attempt = 0; attempt < SharedAttempts; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            var flight = Join(region, name, request, out var mine);
            if (await WaitAsync(flight, request.Policy, begun, cancel) is { } answer)
            {
                Count(region, answer, mine);
                return ReferenceEquals(answer.Entry, EntryMaker.Nothing) ? null : answer.Entry;
            }
        }

        if (!request.MayLoad)
        {
            return null;
        }

        // Invalidated again and again: a load of one's own, begun after the read, cannot be too old.
        var started = _clock.Now;
        region.Counters.Miss();
        return maker.HandedOut(request, await finder.RunAsync(region, request, cancel), started);
    }

    /// <summary>Loads the value anew in the background, one node at a time. A failure is logged and the present value stays.</summary>
    public void Refresh(CacheRegion region, string name, CacheEntry entry, LoadRequest request) => _ = RefreshAsync(region, name, entry, request);

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
        if (redis is null)
        {
            state.Tags.Of(tag).Advance();
            return true;
        }

        OvertakeAll();
        var told = await redis.InvalidateAsync(new PendingInvalidation(null, tag));
        if (state.Tags.TryGet(tag, out var known))
        {
            known!.Generation = TagState.Unknown;
        }

        OvertakeAll();
        return told;
    }

    /// <summary>Puts a value in place of whatever is there. Loads that run meanwhile do not replace it.</summary>
    public async ValueTask SetAsync(CacheRegion region, string name, LoadRequest request, CancellationToken cancel)
    {
        var (begun, epoch) = (_clock.Now, state.Lease.UntrackedEpoch);
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

    private Flight Join(CacheRegion region, string name, LoadRequest request, out bool mine)
    {
        while (true)
        {
            if (region.Flights.TryGetValue(name, out var flight))
            {
                mine = false;
                if (flight.TryJoin())
                {
                    return flight;
                }

                region.Flights.TryRemove(KeyValuePair.Create(name, flight));
            }

            var begun = new Flight();
            begun.TryJoin();
            if (region.Flights.TryAdd(name, begun))
            {
                mine = true;
                _ = FlyAsync(begun, region, name, request);
                return begun;
            }
        }
    }

    private async Task FlyAsync(Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        try
        {
            var answer = await finder.FindAsync(flight, region, name, request);
            region.Flights.TryRemove(KeyValuePair.Create(name, flight));
            flight.Land(answer);
        }
#pragma warning disable CA1031 // Whatever the load throws belongs to those who wait for it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            region.Flights.TryRemove(KeyValuePair.Create(name, flight));
            flight.Fail(exception);
        }
    }

    /// <summary>The flight's answer; null when it is too old for a read that began at <paramref name="begun"/>.</summary>
    private async ValueTask<Answer?> WaitAsync(Flight flight, CachePolicy policy, long begun, CancellationToken cancel)
    {
        var stays = false;
        try
        {
            try
            {
                var answer = policy.SoftTimeout is { } soft && !flight.Done.IsCompleted
                    ? await flight.Done.WaitAsync(soft, _clock.Time, cancel)
                    : await flight.Done.WaitAsync(cancel);
                return IsRight(answer, begun) ? answer : null;
            }
            catch (TimeoutException) when (!flight.Done.IsCompleted)
            {
                if (flight.Stale is { } stale && IsRight(stale, begun) && !flight.Overtaken)
                {
                    stays = true; // the load goes on in the background
                    return stale;
                }
            }

            var late = await flight.Done.WaitAsync(cancel);
            return IsRight(late, begun) ? late : null;
        }
        catch (OperationCanceledException) when (flight.Abandoned.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            return null; // joined just as everybody else had left
        }
        finally
        {
            if (!stays)
            {
                flight.Leave();
            }
        }
    }

    private bool IsRight(Answer answer, long begun) => !options.Coherent || (!answer.IsOvertaken && answer.RightAt >= begun - _bound);

    private static void Count(CacheRegion region, Answer answer, bool mine)
    {
        switch (answer.Source)
        {
            case Source.Memory:
                region.Counters.MemoryHits.Add();
                return;
            case Source.Redis:
                region.Counters.RedisHit();
                break;
            case Source.Stale:
                region.Counters.Stale();
                break;
            default:
                region.Counters.Miss();
                break;
        }

        if (!mine)
        {
            region.Counters.Coalesced();
        }
    }

    private async Task RefreshAsync(CacheRegion region, string name, CacheEntry entry, LoadRequest request)
    {
        try
        {
            await WaitAsync(Join(region, name, request, out _), request.Policy, _clock.Now, CancellationToken.None);
        }
#pragma warning disable CA1031 // In the background: the present value goes on being served.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            entry.RetryAt = _clock.Now + _clock.Ticks(request.Policy.Throttle);
            logger.LogWarning("A refresh for the cache policy '{Policy}' failed: {Message}", region.Name, failure.Message);
        }
        finally
        {
            entry.ReleaseRefresh();
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
