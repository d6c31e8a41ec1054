using Tenfold.Redis.Connections;

namespace Tenfold.Redis;

/// <summary>When SET writes.</summary>
public enum SetWhen
{
    Always,

    /// <summary>NX: only if there is no such key.</summary>
    NotExists,

    /// <summary>XX: only if there is one.</summary>
    Exists,
}

public sealed partial class RedisClient
{
    /// <summary>GET: the value, or null if there is no such key.</summary>
    public ValueTask<byte[]?> GetAsync(RedisKey key, CancellationToken cancel = default) => Bytes(Start(SlotOf(key), ["GET", key], cancel));

    /// <summary>GETDEL: takes the value out.</summary>
    public ValueTask<byte[]?> GetDeleteAsync(RedisKey key, CancellationToken cancel = default) => Bytes(Start(SlotOf(key), ["GETDEL", key], cancel));

    /// <summary>SET: whether it was written.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="timeToLive">At least 1 ms, in whole milliseconds; null: for good.</param>
    /// <param name="when">Default: always.</param>
    /// <param name="cancel">Gives up the wait.</param>
    public ValueTask<bool> SetAsync(RedisKey key, ReadOnlyMemory<byte> value, TimeSpan? timeToLive = null, SetWhen when = SetWhen.Always, CancellationToken cancel = default)
    {
        var slot = SlotOf(key);
        var operation = (timeToLive, when) switch
        {
            (null, SetWhen.Always) => Start(slot, ["SET", key, value], cancel),
            (null, SetWhen.NotExists) => Start(slot, ["SET", key, value, "NX"], cancel),
            (null, _) => Start(slot, ["SET", key, value, "XX"], cancel),
            ({ } time, SetWhen.Always) => Start(slot, ["SET", key, value, "PX", Milliseconds(time)], cancel),
            ({ } time, SetWhen.NotExists) => Start(slot, ["SET", key, value, "PX", Milliseconds(time), "NX"], cancel),
            ({ } time, _) => Start(slot, ["SET", key, value, "PX", Milliseconds(time), "XX"], cancel),
        };
        return Boolean(operation);
    }

    /// <summary>UNLINK: deletes the key, its memory freed in Redis' background; whether there was one.</summary>
    public ValueTask<bool> DeleteAsync(RedisKey key, CancellationToken cancel = default) => Boolean(Start(SlotOf(key), ["UNLINK", key], cancel));

    /// <summary>UNLINK of many keys, in a cluster one command a slot: how many there were.</summary>
    public ValueTask<long> DeleteAsync(ReadOnlySpan<RedisKey> keys, CancellationToken cancel = default) => SumByKeys("UNLINK", keys, cancel);

    /// <summary>EXISTS.</summary>
    public ValueTask<bool> ExistsAsync(RedisKey key, CancellationToken cancel = default) => Boolean(Start(SlotOf(key), ["EXISTS", key], cancel));

    /// <summary>INCRBY: the value after.</summary>
    public ValueTask<long> IncrementAsync(RedisKey key, long by = 1, CancellationToken cancel = default) => Integer(Start(SlotOf(key), ["INCRBY", key, by], cancel));

    /// <summary>PEXPIRE: whether there is such a key.</summary>
    public ValueTask<bool> ExpireAsync(RedisKey key, TimeSpan timeToLive, CancellationToken cancel = default) =>
        Boolean(Start(SlotOf(key), ["PEXPIRE", key, Milliseconds(timeToLive)], cancel));

    /// <summary>PERSIST: whether the key had a time to live, which is now gone.</summary>
    public ValueTask<bool> PersistAsync(RedisKey key, CancellationToken cancel = default) => Boolean(Start(SlotOf(key), ["PERSIST", key], cancel));

    /// <summary>PTTL in milliseconds: -1 for a key that does not expire, -2 if there is no such key.</summary>
    public ValueTask<long> TimeToLiveAsync(RedisKey key, CancellationToken cancel = default) => Integer(Start(SlotOf(key), ["PTTL", key], cancel));

    /// <summary>HGET.</summary>
    public ValueTask<byte[]?> HashGetAsync(RedisKey key, RedisArgument field, CancellationToken cancel = default) => Bytes(Start(SlotOf(key), ["HGET", key, field], cancel));

    /// <summary>HSET: whether the field is new.</summary>
    public ValueTask<bool> HashSetAsync(RedisKey key, RedisArgument field, ReadOnlyMemory<byte> value, CancellationToken cancel = default) =>
        Boolean(Start(SlotOf(key), ["HSET", key, field, value], cancel));

    /// <summary>MGET: values in the order of the keys, null for those there are not. In a cluster one command a slot, so not of one moment.</summary>
    public ValueTask<byte[]?[]> GetManyAsync(ReadOnlySpan<RedisKey> keys, CancellationToken cancel = default) => ValuesByKeys(keys, cancel);

    /// <summary>PUBLISH: how many got it (in a cluster, on the node asked).</summary>
    public ValueTask<long> PublishAsync(RedisKey channel, ReadOnlyMemory<byte> message, CancellationToken cancel = default) => Integer(Start(0, ["PUBLISH", channel, message], cancel));

    /// <summary>PING: throws if there is no answer.</summary>
    public ValueTask PingAsync(CancellationToken cancel = default)
    {
        var operation = Start(0, ["PING"], cancel);
        return new ValueTask(operation, operation.Version);
    }

    private static ValueTask<byte[]?> Bytes(Operation operation) => new(operation, operation.Version);

    private static ValueTask<bool> Boolean(Operation operation) => new(operation, operation.Version);

    private static ValueTask<long> Integer(Operation operation) => new(operation, operation.Version);

    private static long Milliseconds(TimeSpan time) =>
        time >= TimeSpan.FromMilliseconds(1) ? (long)time.TotalMilliseconds : throw new ArgumentOutOfRangeException(nameof(time), $"A time to live is at least 1 ms, but was {time}.");
}
