using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;

namespace Tenfold.Caching;

/// <summary>
/// Reads entries; knows bytes, not types. A caller only takes an answer that was right within the bound on
/// propagation before it asked; docs/cache.md states the protocol. Thread-safe.
/// </summary>
internal sealed class CacheEngine(CacheOptions options, CacheState state, RedisTier? tier, EntryMaker maker, Finder finder, ILogger logger)
{
    private const int SharedAttempts = 3;

    private static readonly TimeSpan RefreshAgain = TimeSpan.FromMilliseconds(100); // while another node refreshes

    private readonly Clock _clock = state.Clock;
    private readonly Lease _lease = state.Lease;
    private readonly bool _coherent = options.Coherent;
    private readonly long _bound = state.Clock.Ticks(options.PropagationBound);

    /// <summary>A value in memory that may be served as it is; <paramref name="late"/>: in the part of its life in which hits refresh it. Does not allocate.</summary>
    public bool TryFresh(CacheRegion region, string name, [NotNullWhen(true)] out CacheEntry? entry, out bool late)
    {
        var until = _lease.Until; // before the entry is fetched
        if (region.Memory.TryGet(name, out entry))
        {
            var now = _clock.Now;
            if (now < entry.FreshUntil && (_lease.Covers(entry.Epoch, until, now) || !_coherent) && entry.TagsHold())
            {
                late = now >= entry.EagerFrom && now >= entry.RetryAt;
                return true;
            }
        }

        (entry, late) = (null, false);
        return false;
    }

    /// <summary>Waits until memory knows what Redis has acknowledged before about this value, if there is one in memory.</summary>
    public ValueTask ConfirmAsync(CacheRegion region, string name, CancellationToken cancel) =>
        tier is not null && region.Memory.TryGet(name, out var entry) ? tier.HearAsync(region, name, entry.Tags, cancel) : default;

    /// <summary>The value, from wherever it is to be had; null when it is not cached and the request may not load it.</summary>
    public async ValueTask<CacheEntry?> ReadAsync(CacheRegion region, string name, LoadRequest request, CancellationToken cancel)
    {
        var (begun, until) = (_clock.Now, _lease.Until);
        if (!request.PastMemory && region.Memory.TryGet(name, out var stale) && begun < stale.RetryAt && begun < stale.StaleUntil && _lease.Covers(stale.Epoch, until, begun) && stale.TagsHold())
        {
            region.Counters.Stale();
            return stale;
        }

        for (var attempt = 0; attempt < SharedAttempts; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            var flight = Join(region, name, request, out var mine);
            if (await WaitAsync(flight, request.Policy, begun, cancel) is not { } answer)
            {
                continue;
            }

            var nothing = ReferenceEquals(answer.Entry, EntryMaker.Nothing);
            if (nothing && request.MayLoad)
            {
                continue; // joined one that did not
            }

            Count(region, answer, mine);
            if (request.NotIntoMemory)
            {
                region.Memory.Remove(name);
            }

            return nothing ? null : answer.Entry;
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
            if (policy.SoftTimeout is { } soft)
            {
                await ((Task)flight.Done).WaitAsync(soft, _clock.Time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancel.ThrowIfCancellationRequested();
                if (!flight.Done.IsCompleted && flight is { Stale: { } stale, Overtaken: false } && IsRight(stale, begun))
                {
                    stays = true; // the load goes on in the background
                    return stale;
                }
            }

            var answer = await flight.Done.WaitAsync(cancel);
            return IsRight(answer, begun) ? answer : null;
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

    // Tags are looked at once more: what this node has invalidated itself it does not hand out.
    private bool IsRight(Answer answer, long begun) => !_coherent || (!answer.IsOvertaken && answer.RightAt >= begun - _bound && answer.Entry.TagsHold());

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
            var answer = await WaitAsync(Join(region, name, request, out _), request.Policy, _clock.Now, CancellationToken.None);
            if (answer is { } found && found.Entry.Version.SequenceEqual(entry.Version))
            {
                // Another node is at it.
                Finder.Postpone(region, name, found.Entry, _clock.Now + _clock.Ticks(RefreshAgain));
            }
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
}
