using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Sentinel;

public sealed class SentinelTests(SentinelFixture fixture) : IClassFixture<SentinelFixture>
{
    [Fact]
    public async Task An_ordered_failover_moves_the_client_and_drops_local_copies()
    {
        var url = $"redis://{string.Join(',', fixture.Sentinels.Select(sentinel => $"127.0.0.1:{sentinel.Port}"))}?sentinel=shop";
        await using var client = new RedisClient(Patient.Options(url));
        var dropped = new Dropped();
        using var registration = client.Track(dropped);
        var (primary, replica) = await fixture.ServersAsync();
        await Eventually.IsTrueAsync(async () => await client.PrimaryPortAsync() == primary.Port, "connected");
        await using (var sentinel = new RedisClient(Patient.Options(fixture.Sentinels[0].Url) with { ConnectionsPerNode = 1 }))
        {
            await sentinel.ExecuteAsync(["SENTINEL", "FAILOVER", "shop"]);
        }

        await Eventually.IsTrueAsync(async () => await client.PrimaryPortAsync() == replica.Port, "moved");
        Assert.True(dropped.Times > 0);
    }

    [Fact]
    public async Task A_name_that_no_sentinel_knows_is_said()
    {
        await using var client = new RedisClient(Patient.Options($"redis://127.0.0.1:{fixture.Sentinels[0].Port}?sentinel=other"));
        var error = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.PingAsync());
        Assert.Contains($"No sentinel names a primary 'other': 127.0.0.1:{fixture.Sentinels[0].Port} knows no primary 'other'", error.Message, StringComparison.Ordinal);
    }

    private sealed class Dropped : IRedisTracker
    {
        private int _times;

        public int Times => Volatile.Read(ref _times);

        public void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive)
        {
        }

        public void OnInvalidated(ReadOnlySpan<byte> key)
        {
        }

        public void OnInvalidatedAll() => Interlocked.Increment(ref _times);
    }
}
