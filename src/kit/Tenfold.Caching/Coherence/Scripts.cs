using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>What Redis decides by itself. Keys of one script are in one slot of a cluster.</summary>
internal static class Scripts
{
    /// <summary>Entry, lock; token, version that was seen ("" for none), lock's life in ms. 1: granted, 2: the entry is another one by now, else who holds it.</summary>
    public static readonly RedisScript Acquire = new(
        """
        if redis.call('GETRANGE', KEYS[1], 5, 20) ~= ARGV[2] then return 2 end
        if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[3]) then return 1 end
        return redis.call('GET', KEYS[2])
        """);

    /// <summary>Lock; token, the dead holder's token, lock's life in ms. 1: taken over.</summary>
    public static readonly RedisScript TakeOver = new(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
        return 1
        """);

    /// <summary>
    /// Entry, lock; token, value, life in ms. The fence: an invalidation has deleted the lock, so what was loaded before it is
    /// refused (0). 1: stored. -1: there is no memory for it; the old value is gone.
    /// </summary>
    public static readonly RedisScript Store = new(
        """
        if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
        local stored = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        redis.call('DEL', KEYS[2])
        if type(stored) == 'table' and stored.err then redis.call('DEL', KEYS[1]) return -1 end
        return 1
        """);

    /// <summary>Entry, lock; value, life in ms. As Store, for a value that is put there: it takes the lock from whoever loads.</summary>
    public static readonly RedisScript Put = new(
        """
        local stored = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        redis.call('DEL', KEYS[2])
        if type(stored) == 'table' and stored.err then redis.call('DEL', KEYS[1]) return -1 end
        return 1
        """);

    /// <summary>Lock; token. 1: it was still there, so nothing was invalidated meanwhile.</summary>
    public static readonly RedisScript Release = new(
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        return 1
        """);

    /// <summary>
    /// Tag. The next generation; a tag without one has no entries. With no memory even for that, the generation goes, which
    /// invalidates as well: the next one begins at a random number.
    /// </summary>
    public static readonly RedisScript InvalidateTag = new(
        """
        if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        local next = redis.pcall('INCR', KEYS[1])
        if type(next) == 'table' then redis.call('DEL', KEYS[1]) end
        return 1
        """);

    /// <summary>
    /// Run, tag of everything; the server's run id. A server that was started again may hold what it held before
    /// an invalidation: all of it goes. 1: it did.
    /// </summary>
    public static readonly RedisScript BeginRun = new(
        """
        if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
        redis.call('DEL', KEYS[2])
        redis.call('SET', KEYS[1], ARGV[1])
        return 1
        """);

    public static IReadOnlyList<RedisScript> All { get; } = [Acquire, TakeOver, Store, Put, Release, InvalidateTag, BeginRun];
}
