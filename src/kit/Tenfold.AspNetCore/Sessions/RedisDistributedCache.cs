using System.Buffers.Binary;
using Microsoft.Extensions.Caching.Distributed;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Sessions;

/// <summary>
/// <see cref="IDistributedCache"/> on Redis: what sessions are kept in. A value stands behind 16 bytes: its sliding lifetime and
/// when it ends at the latest, in milliseconds, 0 for none. Thread-safe.
/// </summary>
/// <remarks>The interface has methods that block; sessions use them only when nobody has loaded the session before.</remarks>
internal sealed class RedisDistributedCache(RedisClient redis, string prefix, TimeProvider time) : IDistributedCache
{
    private const int Header = 16;

    public byte[]? Get(string key) => GetAsync(key).GetAwaiter().GetResult();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        var stored = await redis.GetAsync(prefix + key, token);
        if (stored is null || stored.Length < Header)
        {
            return null;
        }

        await SlideAsync(key, stored, token);
        return stored[Header..];
    }

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => SetAsync(key, value, options).GetAwaiter().GetResult();

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(options);
        var now = time.GetUtcNow();
        var end = options.AbsoluteExpiration ?? (options.AbsoluteExpirationRelativeToNow is { } lasts ? now + lasts : null);
        var sliding = (long)(options.SlidingExpiration?.TotalMilliseconds ?? 0);
        var stored = new byte[Header + value.Length];
        BinaryPrimitives.WriteInt64LittleEndian(stored, sliding);
        BinaryPrimitives.WriteInt64LittleEndian(stored.AsSpan(8), end is null ? 0 : Math.Max(1, end.Value.ToUnixTimeMilliseconds()));
        value.CopyTo(stored, Header);
        if (Lifetime(stored, now) is { Ticks: <= 0 })
        {
            await redis.DeleteAsync(prefix + key, token);
            return;
        }

        await redis.SetAsync(prefix + key, stored, Lifetime(stored, now), cancel: token);
    }

    public void Refresh(string key) => RefreshAsync(key).GetAwaiter().GetResult();

    public async Task RefreshAsync(string key, CancellationToken token = default)
    {
        var header = (await redis.ExecuteAsync(["GETRANGE", prefix + key, 0, Header - 1], token)).Bytes;
        if (header?.Length == Header)
        {
            await SlideAsync(key, header, token);
        }
    }

    public void Remove(string key) => RemoveAsync(key).GetAwaiter().GetResult();

    public async Task RemoveAsync(string key, CancellationToken token = default) => await redis.DeleteAsync(prefix + key, token);

    private async ValueTask SlideAsync(string key, byte[] stored, CancellationToken token)
    {
        if (BinaryPrimitives.ReadInt64LittleEndian(stored) > 0 && Lifetime(stored, time.GetUtcNow()) is { } lifetime)
        {
            await redis.ExpireAsync(prefix + key, lifetime, token);
        }
    }

    // From now on; null is for ever.
    private static TimeSpan? Lifetime(ReadOnlySpan<byte> stored, DateTimeOffset now)
    {
        var sliding = BinaryPrimitives.ReadInt64LittleEndian(stored);
        var end = BinaryPrimitives.ReadInt64LittleEndian(stored[8..]);
        var left = end - now.ToUnixTimeMilliseconds();
        return (sliding, end) switch
        {
            (0, 0) => null,
            (_, 0) => TimeSpan.FromMilliseconds(sliding),
            (0, _) => TimeSpan.FromMilliseconds(left),
            _ => TimeSpan.FromMilliseconds(Math.Min(sliding, left)),
        };
    }
}
