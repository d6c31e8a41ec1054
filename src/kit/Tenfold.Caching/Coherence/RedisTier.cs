using System.Collections.Concurrent;
using System.Text;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// L2: entries, locks and tag generations in Redis. No method throws because of Redis. All goes over one connection (a node of a
/// cluster: one each), which is what the lease rests on. Thread-safe.
/// </summary>
internal sealed class RedisTier(RedisClient client, IRedisTracker tracker, CacheOptions options, CacheState state, Clock clock, Random random)
{
    private readonly Breaker _breaker = new(options.BreakAfter, options.BreakFor, clock.Time);
    private readonly TagGenerations _generations = new(client, tracker, state, random);
    private readonly ConcurrentDictionary<string, byte> _held = new(StringComparer.Ordinal); // tokens of this node
    private long _tokens;

    /// <summary>Whether this node may use Redis now: connected, up to date, and not failing.</summary>
    public bool IsUsable => state.Journal.IsOpen && (state.Lease.Holds(clock.Now) || !options.Coherent) && _breaker.Allows;

    /// <summary>Unique, with the node's name in it.</summary>
    public byte[] NewToken() => Encoding.ASCII.GetBytes($"{state.Node}|{Interlocked.Increment(ref _tokens)}");

    /// <summary>Reads an entry so that Redis tells about its next change; the tracker puts it into memory.</summary>
    public async ValueTask<ReadResult> ReadAsync(CacheRegion region, string name, CachePolicy policy, CancellationToken cancel)
    {
        if (!IsUsable)
        {
            return default;
        }

        var epoch = state.Lease.Epoch;
        try
        {
            var read = await client.GetTrackedAsync(state.Keys.Entry(region.Partition, name), tracker, cancel);
            _breaker.Succeeded();
            if (options.Coherent && (epoch != state.Lease.Epoch || !state.Journal.IsOpen))
            {
                return default;
            }

            return await JudgeAsync(region, name, policy, read, epoch, cancel);
        }
        catch (RedisException)
        {
            _breaker.Failed();
            return default;
        }
    }

    /// <summary>The lock of the entry's load, unless the entry is not the one that was seen any more.</summary>
    public async ValueTask<Grant> AcquireAsync(string partition, string name, byte[] token, ReadOnlyMemory<byte> known, TimeSpan load, CancellationToken cancel)
    {
        _held[Encoding.ASCII.GetString(token)] = 0;
        var granted = false;
        try
        {
            var reply = await client.EvaluateAsync(
                Scripts.Acquire, [state.Keys.Entry(partition, name), state.Keys.Lock(partition, name)], [token, known, LockLife(load)], cancel);
            _breaker.Succeeded();
            if (reply.Kind == RedisReplyKind.Integer)
            {
                granted = reply.Integer == 1;
                return new Grant(granted ? GrantState.Acquired : GrantState.Changed, null);
            }

            return new Grant(GrantState.Held, reply.Bytes);
        }
        catch (RedisServerException)
        {
            return new Grant(GrantState.Failed, null); // no memory for a lock
        }
        catch (RedisException)
        {
            _breaker.Failed();
            _ = ReleaseAsync(partition, name, token).AsTask(); // it may have been granted
            return new Grant(GrantState.Failed, null);
        }
        finally
        {
            if (!granted)
            {
                _held.TryRemove(Encoding.ASCII.GetString(token), out _);
            }
        }
    }

    /// <summary>Takes the lock from a node that does not beat any more, or from a load of this node that has given up.</summary>
    public async ValueTask<bool> TakeOverFromDeadAsync(string partition, string name, byte[] token, byte[]? holder, TimeSpan load, CancellationToken cancel)
    {
        var text = holder is null ? "" : Encoding.ASCII.GetString(holder);
        var bar = text.IndexOf('|', StringComparison.Ordinal);
        if (bar <= 0 || _held.ContainsKey(text))
        {
            return false;
        }

        var own = text.AsSpan(0, bar).SequenceEqual(state.Node);
        var mine = Encoding.ASCII.GetString(token);
        _held[mine] = 0;
        var taken = false;
        try
        {
            if (!own && (await client.ExecuteAsync(["EXISTS", state.Keys.Node(text[..bar])], cancel)).Integer != 0)
            {
                return false;
            }

            taken = (await client.EvaluateAsync(Scripts.TakeOver, [state.Keys.Lock(partition, name)], [token, holder!, LockLife(load)], cancel)).Integer == 1;
            return taken;
        }
        catch (RedisException)
        {
            return false;
        }
        finally
        {
            if (!taken)
            {
                _held.TryRemove(mine, out _);
            }
        }
    }

    /// <summary>True when the lock was still held: nothing has invalidated the key meanwhile.</summary>
    public async ValueTask<bool> ReleaseAsync(string partition, string name, byte[] token)
    {
        try
        {
            return (await client.EvaluateAsync(Scripts.Release, [state.Keys.Lock(partition, name)], [token], CancellationToken.None)).Integer == 1;
        }
        catch (RedisException)
        {
            return false; // it ends by itself
        }
        finally
        {
            _held.TryRemove(Encoding.ASCII.GetString(token), out _);
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

            _breaker.Succeeded();
            return (stored, await holding) switch
            {
                (0, _) or (_, false) => new StoreResult(StoreState.Overtaken, null),
                (-1, _) => new StoreResult(StoreState.Full, null),
                _ => new StoreResult(StoreState.Stored, Resident(region, name, image.Version.Span)),
            };
        }
        catch (RedisException)
        {
            _breaker.Failed();
            return default;
        }
        finally
        {
            _held.TryRemove(Encoding.ASCII.GetString(token), out _);
        }
    }

    /// <summary>Puts a value in place of whatever is there. False: it is not known to be stored.</summary>
    public async ValueTask<bool> PutAsync(string partition, string name, EntryImage image)
    {
        try
        {
            var reply = await client.EvaluateAsync(
                Scripts.Put, [state.Keys.Entry(partition, name), state.Keys.Lock(partition, name)], [image.Raw, image.LifetimeMs + image.StaleMs], CancellationToken.None);
            _breaker.Succeeded();
            return reply.Integer == 1;
        }
        catch (RedisException)
        {
            _breaker.Failed();
            return false;
        }
    }

    /// <summary>True once Redis has acknowledged it; else it is in the journal.</summary>
    public async ValueTask<bool> InvalidateAsync(PendingInvalidation what)
    {
        if (_breaker.Allows)
        {
            try
            {
                await SendAsync(what);
                _breaker.Succeeded();
                return true;
            }
            catch (RedisException)
            {
                _breaker.Failed();
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
            _breaker.Failed();
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
        var entry = Resident(region, name, image.Version.Span) ?? state.Build(image, policy, read.TimeToLive, clock.Now, epoch);
        if (await GenerationsAsync(entry.Tags, cancel) is not { } generations)
        {
            return default;
        }

        if (!generations.AsSpan().SequenceEqual(image.Generations))
        {
            return new ReadResult(entry, ReadState.Invalid, known);
        }

        var now = clock.Now;
        return new ReadResult(entry, now < entry.FreshUntil ? ReadState.Fresh : now < entry.StaleUntil && image.StaleMs > 0 ? ReadState.Stale : ReadState.Missing, known);
    }

    private static CacheEntry? Resident(CacheRegion region, string name, ReadOnlySpan<byte> version) =>
        region.Memory.TryGet(name, out var entry) && entry.Version.SequenceEqual(version) ? entry : null;

    private static long LockLife(TimeSpan load) => (long)load.TotalMilliseconds + 5000;

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
