using System.Threading.Channels;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Sentinel;

public sealed class SentinelTests(SentinelFixture fixture) : IClassFixture<SentinelFixture>
{
    // One test, because sentinels take ten seconds and more to be well again after the second.
    [Fact]
    public async Task A_client_follows_when_its_primary_dies_and_when_another_is_ordered()
    {
        await A_primary_that_dies_is_replaced_and_so_is_the_sentinel_that_was_named();
        await An_ordered_failover_moves_the_client_and_drops_local_copies();
    }

    private async Task A_primary_that_dies_is_replaced_and_so_is_the_sentinel_that_was_named()
    {
        // One address only: the others are learnt from it.
        await using var client = new RedisClient(RedisOptions.Parse($"redis://127.0.0.1:{fixture.Sentinels[0].Port}?sentinel=shop"));
        var (primary, replica) = await fixture.ServersAsync();
        var heard = Channel.CreateUnbounded<RedisMessage>();
        await using var subscription = await client.SubscribeAsync("news", message => heard.Writer.WriteAsync(message));
        Assert.Equal(primary.Port, await PortAsync(client));

        await fixture.Sentinels[0].KillAsync();
        await primary.KillAsync();
        await Eventually.IsTrueAsync(async () => await PortAsync(client) == replica.Port, "the replica took over");

        // The former primary comes back as one that has not heard yet, and is not believed.
        await primary.StartAgainAsync();
        await client.SetAsync("key", "2".Utf8());
        Assert.Equal(replica.Port, await PortAsync(client));
        await Eventually.IsTrueAsync(async () => await client.PublishAsync("news", "x".Utf8()) == 1, "subscribed again");
        await heard.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
        await fixture.Sentinels[0].StartAgainAsync();
        await fixture.WellAsync();
    }

    private async Task An_ordered_failover_moves_the_client_and_drops_local_copies()
    {
        var url = $"redis://{string.Join(',', fixture.Sentinels.Select(sentinel => $"127.0.0.1:{sentinel.Port}"))}?sentinel=shop";
        await using var client = new RedisClient(RedisOptions.Parse(url));
        var dropped = new Dropped();
        using var registration = client.Track(dropped);
        var (primary, replica) = await fixture.ServersAsync();
        Assert.Equal(primary.Port, await PortAsync(client));
        await using (var sentinel = new RedisClient(RedisOptions.Parse(fixture.Sentinels[0].Url) with { ConnectionsPerNode = 1 }))
        {
            await Eventually.IsTrueAsync(() => OrderedAsync(sentinel), "the failover was accepted");
        }

        await Eventually.IsTrueAsync(async () => await PortAsync(client) == replica.Port, "moved");
        Assert.True(dropped.Times > 0);
    }

    [Fact]
    public async Task A_name_that_no_sentinel_knows_is_said()
    {
        await using var client = new RedisClient(RedisOptions.Parse($"redis://127.0.0.1:{fixture.Sentinels[0].Port}?sentinel=other"));
        var error = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.PingAsync());
        Assert.Contains($"No sentinel names a primary 'other': 127.0.0.1:{fixture.Sentinels[0].Port} knows no primary 'other'", error.Message, StringComparison.Ordinal);
    }

    // Refused until the last failover is some time ago.
    private static async Task<bool> OrderedAsync(RedisClient sentinel)
    {
        try
        {
            await sentinel.ExecuteAsync(["SENTINEL", "FAILOVER", "shop"]);
            return true;
        }
        catch (RedisServerException e) when (e.Code is "INPROG" or "NOGOODSLAVE")
        {
            return false;
        }
    }

    // Of the server that takes this client's writes; 0 while none does.
    private static async Task<int> PortAsync(RedisClient client)
    {
        try
        {
            await client.SetAsync("key", "1".Utf8());
            return (int)(await client.ExecuteAsync(["CONFIG", "GET", "port"])).Items.Span[1].Integer;
        }
        catch (RedisConnectionException)
        {
            return 0;
        }
        catch (RedisServerException e) when (e.Code is "READONLY" or "MASTERDOWN")
        {
            return 0;
        }
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
