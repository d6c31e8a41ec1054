using System.Collections.Concurrent;
using System.Text;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// The locks in Redis under which keys are loaded: one load in the whole cluster, and the fence that stores go through. No method
/// throws because of Redis. Thread-safe.
/// </summary>
/// <remarks>Nothing here can be cancelled: a lock that was granted to a caller who has left would be nobody's to release.</remarks>
internal sealed class LoadLocks(RedisClient client, CacheState state, Breaker breaker)
{
    /// <summary>What a lock outlives its load by.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, byte> _held = new(StringComparer.Ordinal); // tokens of this node
    private long _tokens;

    /// <summary>Unique, with the node's name in it.</summary>
    public byte[] NewToken() => Encoding.ASCII.GetBytes($"{state.Node}|{Interlocked.Increment(ref _tokens)}");

    /// <summary>The lock of the entry's load, unless the entry is not the one that was seen any more.</summary>
    public async ValueTask<Grant> AcquireAsync(string partition, string name, byte[] token, ReadOnlyMemory<byte> known, TimeSpan load)
    {
        _held[Text(token)] = 0;
        var granted = false;
        try
        {
            var reply = await client.EvaluateAsync(
                Scripts.Acquire, [state.Keys.Entry(partition, name), state.Keys.Lock(partition, name)], [token, known, Life(load)], CancellationToken.None);
            breaker.Succeeded();
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
            breaker.Failed();
            _ = ReleaseAsync(partition, name, token).AsTask(); // it may have been granted
            return new Grant(GrantState.Failed, null);
        }
        finally
        {
            if (!granted)
            {
                Forget(token);
            }
        }
    }

    /// <summary>Takes the lock from a node that does not beat any more, or from a load of this node that has given up.</summary>
    public async ValueTask<bool> TakeOverFromDeadAsync(string partition, string name, byte[] token, byte[]? holder, TimeSpan load)
    {
        var text = holder is null ? "" : Text(holder);
        var bar = text.IndexOf('|', StringComparison.Ordinal);
        if (bar <= 0 || _held.ContainsKey(text))
        {
            return false;
        }

        var own = text.AsSpan(0, bar).SequenceEqual(state.Node);
        _held[Text(token)] = 0;
        var taken = false;
        try
        {
            if (!own && (await client.ExecuteAsync(["EXISTS", state.Keys.Node(text[..bar])], CancellationToken.None)).Integer != 0)
            {
                return false;
            }

            taken = (await client.EvaluateAsync(Scripts.TakeOver, [state.Keys.Lock(partition, name)], [token, holder!, Life(load)], CancellationToken.None)).Integer == 1;
            return taken;
        }
        catch (RedisException)
        {
            _ = ReleaseAsync(partition, name, token).AsTask(); // it may have been taken
            return false;
        }
        finally
        {
            if (!taken)
            {
                Forget(token);
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
            Forget(token);
        }
    }

    /// <summary>The lock of this token is not this node's any more.</summary>
    public void Forget(byte[] token) => _held.TryRemove(Text(token), out _);

    private static string Text(byte[] token) => Encoding.ASCII.GetString(token);

    private static long Life(TimeSpan load) => (long)(load + Grace).TotalMilliseconds;
}
