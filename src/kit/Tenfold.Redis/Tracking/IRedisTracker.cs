namespace Tenfold.Redis;

/// <summary>
/// Told what a local copy may keep. All three are called by the loop that reads a connection, in the order in which Redis sent
/// things: a value read before a change can therefore never be reported after that change's invalidation. They must return at
/// once, and may be called by several connections at the same time (a key stays on one connection, so calls
/// about one key come one after the other). One that throws loses its connection, and with it every copy.
/// </summary>
public interface IRedisTracker
{
    /// <summary>A tracked read of this tracker has been answered, even if its caller no longer waits.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">Its value; null if there is no such key, which is tracked just the same.</param>
    /// <param name="timeToLive">Of the key in Redis when it was read; null for a key that does not expire or does not exist.</param>
    void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive);

    /// <summary>The key may have changed since it was read (by this client too), or has expired. It is no longer tracked.</summary>
    void OnInvalidated(ReadOnlySpan<byte> key);

    /// <summary>Any key may have changed: a flush, a lost connection, slots that moved.</summary>
    void OnInvalidatedAll();
}

/// <summary>A value and the time left to it.</summary>
/// <param name="Value">Null if there is no such key.</param>
/// <param name="TimeToLive">Null for a key that does not expire or does not exist.</param>
public readonly record struct TrackedValue(byte[]? Value, TimeSpan? TimeToLive);
