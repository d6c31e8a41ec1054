using Microsoft.Extensions.Logging;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Loading;

/// <summary>
/// What a flight does: looks into memory and Redis, and loads at last. Every answer carries the time at which it was known to be
/// right (docs/cache.md).
/// </summary>
internal sealed class Finder(CacheOptions options, CacheState state, RedisTier? redis, LoadLocks? locks, EntryMaker maker, ILogger logger)
{
    private readonly Clock _clock = state.Clock;
    private readonly long _bound = state.Clock.Ticks(options.PropagationBound);

    public async Task<Answer> FindAsync(Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        var (now, until) = (_clock.Now, state.Lease.Until); // before the entry is judged: a lease that ends meanwhile is older
        if (request.Refreshes.IsEmpty && !request.PastMemory && region.Memory.TryGet(name, out var present) && IsFresh(present, until, now))
        {
            // Right at the lease's last beat, or, where nobody watches it, when its load began.
            var right = present.Epoch == state.Lease.Epoch ? until : present.FreshUntil;
            return new Answer(present, Math.Max(right, long.MinValue + _bound) - _bound, Source.Memory);
        }

        if (redis is null)
        {
            return await LoadLocallyAsync(flight, region, name, request);
        }

        return !redis.IsUsable || request.PastRedis || region.IsLarge(name, now)
            ? await LoadUntrackedAsync(flight, region, name, request)
            : await FindInRedisAsync(redis, locks!, flight, region, name, request);
    }

    /// <summary>Runs the load for at most the hard timeout. One that ignores its token is left to itself; what it brings later is nobody's.</summary>
    public async Task<Loaded> RunAsync(CacheRegion region, LoadRequest request, CancellationToken cancel)
    {
        var most = request.Policy.HardTimeout;
        using var limit = new CancellationTokenSource(most, _clock.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        region.Counters.Load();
        try
        {
            return await request.LoadAsync(both.Token).AsTask().WaitAsync(both.Token);
        }
        catch (OperationCanceledException late) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            region.Counters.Failure();
            throw new TimeoutException($"A load for the cache policy '{region.Name}' took longer than {most.TotalSeconds:0.###} s and was given up.", late);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            region.Counters.Failure();
            throw;
        }
    }

    private bool IsFresh(CacheEntry entry, long until, long now) =>
        now < entry.FreshUntil && (state.Lease.Covers(entry.Epoch, until, now) || !options.Coherent) && entry.TagsHold();

    private async Task<Answer> FindInRedisAsync(RedisTier tier, LoadLocks gate, Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        var policy = request.Policy;
        var giveUp = _clock.Now + _clock.Ticks(policy.HardTimeout);
        var token = gate.NewToken();
        for (var poll = 5.0; ; poll = Math.Min(100, poll * 2))
        {
            var asked = _clock.Now;
            var read = await tier.ReadAsync(region, name, policy, flight.Abandoned);
            if (read.State == ReadState.Failed)
            {
                return await LoadUntrackedAsync(flight, region, name, request);
            }

            var replaces = read.State == ReadState.Fresh && read.Known.Span.SequenceEqual(request.Refreshes.Span);
            if (read.State == ReadState.Fresh && !replaces)
            {
                return new Answer(read.Entry!, asked, Source.Redis);
            }

            if (read.State == ReadState.Stale && asked < read.Entry!.RetryAt)
            {
                return new Answer(read.Entry, asked, Source.Stale);
            }

            flight.Stale = read.State == ReadState.Stale || replaces ? new Answer(read.Entry!, asked, replaces ? Source.Redis : Source.Stale) : null;
            if (!request.MayLoad)
            {
                return new Answer(EntryMaker.Nothing, asked, Source.Redis);
            }

            var grant = await gate.AcquireAsync(region.Partition, name, token, read.Known, policy.HardTimeout);
            var granted = grant.State == GrantState.Acquired
                || (grant.State == GrantState.Held && poll > 40 && await gate.TakeOverFromDeadAsync(region.Partition, name, token, grant.Holder, policy.HardTimeout));
            if (granted)
            {
                return await LoadFencedAsync(tier, gate, token, flight, region, name, request);
            }

            if (grant.State == GrantState.Held && replaces)
            {
                return flight.Stale!.Value; // another node refreshes it
            }

            if (grant.State == GrantState.Failed || _clock.Now >= giveUp)
            {
                return await LoadUntrackedAsync(flight, region, name, request);
            }

            if (grant.State == GrantState.Held)
            {
                await flight.WaitAsync(TimeSpan.FromMilliseconds(poll), _clock.Time, flight.Abandoned);
            }
        }
    }

    /// <summary>Loads under the key's lock, and stores only if the lock is still there: an invalidation takes it away.</summary>
    private async Task<Answer> LoadFencedAsync(RedisTier tier, LoadLocks gate, byte[] token, Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        var held = true;
        try
        {
            var tags = Array.ConvertAll(request.Tags, state.Tags.Of);
            var epoch = state.Lease.Epoch;
            if (await tier.GenerationsAsync(tags, flight.Abandoned) is not { } generations)
            {
                return await LoadUntrackedAsync(flight, region, name, request);
            }

            var started = _clock.Now;
            Loaded loaded;
            try
            {
                loaded = await RunAsync(region, request, flight.Abandoned);
            }
            catch (Exception failure) when (flight.Stale is not null && failure is not OperationCanceledException)
            {
                if (await StandInAsync(tier, flight, region, name, request, failure) is { } stale)
                {
                    return stale;
                }

                throw;
            }

            var asked = _clock.Now;
            held = false;
            if (!maker.IsKept(region, name, request, loaded))
            {
                var right = await gate.ReleaseAsync(region.Partition, name, token) && await tier.GenerationsHoldAsync(tags, generations)
                    && epoch == state.Lease.Epoch && !flight.Overtaken;
                return new Answer(maker.HandedOut(request, loaded, started), right ? asked : started, Source.Load);
            }

            var image = maker.Image(request, loaded, generations);
            var outcome = await tier.StoreAsync(region, name, token, image, tags, generations);
            if (options.Coherent && (outcome.State == StoreState.Overtaken || flight.Overtaken || epoch != state.Lease.Epoch))
            {
                return Overtaken(region, maker.HandedOut(request, loaded, started));
            }

            if (outcome.Entry is { } kept)
            {
                kept.Shared = loaded.Shared;
                return new Answer(ShortenedIn(region, name, kept, request.Policy), asked, Source.Load);
            }

            return new Answer(maker.HandedOut(request, loaded, started), outcome.State == StoreState.Unknown ? started : asked, Source.Load);
        }
        finally
        {
            if (held)
            {
                await gate.ReleaseAsync(region.Partition, name, token);
            }
        }
    }

    /// <summary>Loads with nobody to ask who else does, and keeps the value briefly.</summary>
    private async Task<Answer> LoadUntrackedAsync(Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        var (started, epoch) = (_clock.Now, state.Lease.UntrackedEpoch);
        if (!request.MayLoad)
        {
            return new Answer(EntryMaker.Nothing, started, Source.Redis);
        }

        Loaded loaded;
        try
        {
            loaded = await RunAsync(region, request, flight.Abandoned);
        }
        catch (Exception failure) when (flight is { Stale: { } stale, Overtaken: false } && failure is not OperationCanceledException)
        {
            return StandIn(stale, region, name, request, failure);
        }

        var entry = maker.Brief(request, loaded, started, epoch);
        if (flight.Overtaken)
        {
            return Overtaken(region, entry);
        }

        if (options.Coherent && maker.IsKept(region, name, request, loaded) && _clock.Now < entry.FreshUntil)
        {
            region.Memory.Put(name, entry);
            if (flight.Overtaken)
            {
                region.Memory.Remove(name);
            }
        }

        return new Answer(entry, started, Source.Load);
    }

    /// <summary>Loads where this process is the whole cluster.</summary>
    private async Task<Answer> LoadLocallyAsync(Flight flight, CacheRegion region, string name, LoadRequest request)
    {
        if (!request.MayLoad)
        {
            return new Answer(EntryMaker.Nothing, _clock.Now, Source.Memory);
        }

        if (region.Memory.TryGet(name, out var old) && _clock.Now < old.StaleUntil && old.TagsHold())
        {
            flight.Stale = new Answer(old, _clock.Now, Source.Stale);
        }

        var tags = Array.ConvertAll(request.Tags, state.Tags.Of);
        var generations = Array.ConvertAll(tags, tag => tag.Generation);
        Loaded loaded;
        try
        {
            loaded = await RunAsync(region, request, flight.Abandoned);
        }
        catch (Exception failure) when (flight is { Stale: { } stale, Overtaken: false } && stale.Entry.TagsHold() && failure is not OperationCanceledException)
        {
            return StandIn(stale with { RightAt = _clock.Now }, region, name, request, failure);
        }

        var entry = maker.Local(maker.Image(request, loaded, generations), tags, request.Policy, loaded);
        if (flight.Overtaken || !entry.TagsHold())
        {
            return Overtaken(region, entry);
        }

        if (maker.IsKept(region, name, request, loaded))
        {
            region.Memory.Put(name, entry);
            if (flight.Overtaken)
            {
                region.Memory.Remove(name);
            }
        }

        return new Answer(entry, _clock.Now, Source.Load);
    }

    private static Answer Overtaken(CacheRegion region, CacheEntry entry)
    {
        region.Counters.Overtaken();
        return new Answer(entry, long.MinValue, Source.Load);
    }

    /// <summary>The expired value, if it was not invalidated while the load ran.</summary>
    private async Task<Answer?> StandInAsync(RedisTier tier, Flight flight, CacheRegion region, string name, LoadRequest request, Exception failure)
    {
        var asked = _clock.Now;
        var read = await tier.ReadAsync(region, name, request.Policy, flight.Abandoned);
        return read.State is ReadState.Stale or ReadState.Fresh && !flight.Overtaken
            ? StandIn(new Answer(read.Entry!, asked, read.State == ReadState.Fresh ? Source.Redis : Source.Stale), region, name, request, failure)
            : null;
    }

    /// <summary>No load to replace the entry before then.</summary>
    public static void Postpone(CacheRegion region, string name, CacheEntry entry, long until)
    {
        entry.RetryAt = until;
        if (region.Memory.TryGet(name, out var resident) && resident.Version.SequenceEqual(entry.Version))
        {
            resident.RetryAt = until;
        }
    }

    private Answer StandIn(Answer stale, CacheRegion region, string name, LoadRequest request, Exception failure)
    {
        Postpone(region, name, stale.Entry, _clock.Now + _clock.Ticks(request.Policy.Throttle));
        logger.LogWarning("A load for the cache policy '{Policy}' failed; the value of {Age:0.#} s ago stands in: {Message}", region.Name, stale.Entry.Age(_clock.Time).TotalSeconds, failure.Message);
        return stale;
    }

    /// <summary>The call's own L1 lifetime, where it is shorter than the policy's. An entry that was dropped meanwhile stays dropped.</summary>
    private CacheEntry ShortenedIn(CacheRegion region, string name, CacheEntry entry, CachePolicy policy)
    {
        if (policy.L1Ttl is not { } most || policy.L1Ttl == region.Policy.L1Ttl)
        {
            return entry;
        }

        var shorter = entry.FreshFor(_clock.Now + _clock.Ticks(most));
        region.Memory.Replace(name, entry, shorter);
        return shorter;
    }
}
