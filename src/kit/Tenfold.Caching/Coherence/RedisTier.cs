using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// L2: entries and tag generations in Redis. No method throws because of Redis. All goes over one connection (a node of a
/// cluster: one each), which is what the lease rests on. Thread-safe.
/// </summary>
internal sealed class RedisTier(RedisClient client, IRedisTracker tracker, CacheOptions options, CacheState state, Breaker breaker, LoadLocks locks, Random random)
{
    private readonly Clock _clock = state.Clock;
    private readonly TagGenerations _generations = new(client, tracker, state, random);

    /// <summary>Whether this node may use Redis now: connected, up to date, and not failing.</summary>
    public bool IsUsable => state.Journal.IsOpen && (state.Lease.Holds(_clock.Now) || !options.Coherent) && breaker.Allows;

    /// <summary>Reads an entry so that Redis tells about its next change; the tracker puts it into memory.</summary>
    public async ValueTask<ReadResult> ReadAsync(CacheRegion region, string name, CachePolicy policy, CancellationToken cancel)
    {
        if (!IsUsable || !breaker.TryEnter())
        {
            return default;
        }

        var epoch = state.Lease.Epoch;
        try
        {
            var read = await client.GetTrackedAsync(state.Keys.Entry(region.Partition, name), tracker, cancel);
            breaker.Succeeded();
            if (options.Coherent && (epoch != state.Lease.Epoch || !state.Journal.IsOpen))
            {
                return default;
            }

            return await JudgeAsync(region, name, policy, read, epoch, cancel);
        }
        catch (RedisServerException)
        {
            breaker.Succeeded(); // an answer all the same: what stands under this key says nothing about others
            return default;
        }
        catch (RedisException)
        {
            breaker.Failed();
            return default;
        }
    }

    /// <summary>Stores what was loaded under the lock, and looks whether a tag was invalidated meanwhile: in one round trip, with the read that puts it into memory.</summary>
    public async ValueTask<StoreResult> StoreAsync(CacheRegion region, string name, byte[] token, EntryImage image, TagState[] states, long[] generations)
    {
        var (entry, gate) = (state.Keys.Entry(region.Partition, name), state.Keys.Lock(region.Partition, name));
        var life = image.LifetimeMs + image.StaleMs;
        try
        {
            var storing = client.EvaluateAsync(
                options.Coherent ? Scripts.Store : Scripts.Put, [entry, gate], options.Coherent ? [token, image.Raw, life] : [image.Raw, life], CancellationToken.None).AsTask();
            var holding = GenerationsHoldAsync(states, generations).AsTask();
            var reading = client.GetTrackedAsync(entry, tracker, CancellationToken.None).AsTask();
            var stored = 0L;
            try
            {
                stored = (await storing).Integer;
            }
            finally
            {
                // Each is awaited, whatever became of the others.
                await Task.WhenAll(holding, Quietly(reading));
            }

            breaker.Succeeded();
            return (stored, await holding) switch
            {
                (0, _) or (_, false) => new StoreResult(StoreState.Overtaken, null),
                (-1, _) => new StoreResult(StoreState.Full, null),
                _ => new StoreResult(StoreState.Stored, Resident(region, name, image.Version.Span)),
            };
        }
        catch (RedisException)
        {
            breaker.Failed();
            return default;
        }
        finally
        {
            locks.Forget(token);
        }
    }

    /// <summary>Puts a value in place of whatever is there. False: it is not known to be stored.</summary>
    public async ValueTask<bool> PutAsync(string partition, string name, EntryImage image)
    {
        try
        {
            var reply = await client.EvaluateAsync(
                Scripts.Put, [state.Keys.Entry(partition, name), state.Keys.Lock(partition, name)], [image.Raw, image.LifetimeMs + image.StaleMs], CancellationToken.None);
            breaker.Succeeded();
            return reply.Integer == 1;
        }
        catch (RedisException)
        {
            breaker.Failed();
            return false;
        }
    }

    /// <summary>
    /// Waits until this node has heard of every invalidation of these that was acknowledged before the call: Redis tells of it before
    /// it answers a question that is asked later. In a cluster each is asked of its own node. Away, it is not waited for.
    /// </summary>
    public async ValueTask HearAsync(CacheRegion region, string name, IReadOnlyList<TagState> tags, CancellationToken cancel)
    {
        if (!IsUsable || !breaker.TryEnter())
        {
            return;
        }

        try
        {
            var asked = new Task[tags.Count + 1];
            asked[0] = client.ExistsAsync(state.Keys.Entry(region.Partition, name), cancel).AsTask();
            for (var i = 0; i < tags.Count; i++)
            {
                asked[i + 1] = client.ExistsAsync(state.Keys.Tag(tags[i].Name), cancel).AsTask();
            }

            await Task.WhenAll(asked);
            breaker.Succeeded();
        }
        catch (RedisServerException)
        {
            breaker.Succeeded(); // an answer, and the news came before it
        }
        catch (RedisException)
        {
            breaker.Failed();
        }
    }

    /// <summary>True once Redis has acknowledged it; else it is in the journal.</summary>
    public async ValueTask<bool> InvalidateAsync(PendingInvalidation what)
    {
        if (breaker.TryEnter())
        {
            try
            {
                await SendAsync(what);
                breaker.Succeeded();
                return true;
            }
            catch (RedisException)
            {
                breaker.Failed();
            }
        }

        state.Journal.Add(what);
        return false;
    }

    /// <summary>Tells Redis; throws what it throws.</summary>
    public async Task SendAsync(PendingInvalidation what)
    {
        if (what.Partition is { } partition)
        {
            await client.ExecuteAsync(["DEL", state.Keys.Entry(partition, what.Name), state.Keys.Lock(partition, what.Name)], CancellationToken.None);
        }
        else
        {
            await client.EvaluateAsync(Scripts.InvalidateTag, [state.Keys.Tag(what.Name)], [], CancellationToken.None);
        }
    }

    /// <summary>The generations of the tags, at the latest as of now; null when they cannot be had.</summary>
    public async ValueTask<long[]?> GenerationsAsync(IReadOnlyList<TagState> tags, CancellationToken cancel)
    {
        try
        {
            return await _generations.ReadAsync(tags, cancel);
        }
        catch (RedisException)
        {
            breaker.Failed();
            return null;
        }
    }

    /// <summary>Whether the tags still have these generations in Redis itself.</summary>
    public async ValueTask<bool> GenerationsHoldAsync(IReadOnlyList<TagState> tags, long[] generations)
    {
        try
        {
            return await _generations.HoldAsync(tags, generations);
        }
        catch (RedisException)
        {
            return false;
        }
    }

    private async ValueTask<ReadResult> JudgeAsync(CacheRegion region, string name, CachePolicy policy, TrackedValue read, int epoch, CancellationToken cancel)
    {
        if (read.Value is not { } raw)
        {
            return new ReadResult(null, ReadState.Missing, default);
        }

        var known = raw.Length > EntryFormat.VersionAt
            ? raw.AsMemory(EntryFormat.VersionAt, Math.Min(CacheEntry.VersionSize, raw.Length - EntryFormat.VersionAt))
            : default;
        if (EntryFormat.Read(raw) is not { } image)
        {
            return new ReadResult(null, ReadState.Missing, known);
        }

        // What the tracker put into memory a moment ago, if memory took it.
        var entry = Resident(region, name, image.Version.Span) ?? state.Build(image, policy, read.TimeToLive, _clock.Now, epoch);
        if (await GenerationsAsync(entry.Tags, cancel) is not { } generations)
        {
            return default;
        }

        if (!generations.AsSpan().SequenceEqual(image.Generations))
        {
            return new ReadResult(entry, ReadState.Invalid, known);
        }

        if (image.IsOverdue(read.TimeToLive))
        {
            return new ReadResult(entry, ReadState.Missing, known);
        }

        var now = _clock.Now;
        return new ReadResult(entry, now < entry.FreshUntil ? ReadState.Fresh : now < entry.StaleUntil && image.StaleMs > 0 ? ReadState.Stale : ReadState.Missing, known);
    }

    private static CacheEntry? Resident(CacheRegion region, string name, ReadOnlySpan<byte> version) =>
        region.Memory.TryGet(name, out var entry) && entry.Version.SequenceEqual(version) ? entry : null;

    private static async Task Quietly(Task<TrackedValue> read)
    {
        try
        {
            await read;
        }
        catch (RedisException)
        {
            // Only the copy in memory is missing.
        }
    }
}
