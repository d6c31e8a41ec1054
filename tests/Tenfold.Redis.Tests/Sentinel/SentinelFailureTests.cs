using System.Threading.Channels;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Sentinel;

public sealed class SentinelFailureTests(SentinelFixture fixture) : IClassFixture<SentinelFixture>
{
    [Fact]
    public async Task A_primary_that_dies_is_replaced_and_so_is_the_sentinel_that_was_named()
    {
        // One address only: the others are learnt from it.
        await using var client = new RedisClient(Patient.Options($"redis://127.0.0.1:{fixture.Sentinels[0].Port}?sentinel=shop"));
        var (primary, replica) = await fixture.ServersAsync();
        var heard = Channel.CreateUnbounded<RedisMessage>();
        await using var subscription = await client.SubscribeAsync("news", message => heard.Writer.WriteAsync(message));
        await Eventually.IsTrueAsync(async () => await client.PrimaryPortAsync() == primary.Port, "connected");

        await fixture.Sentinels[0].KillAsync();
        await primary.KillAsync();
        await Eventually.IsTrueAsync(async () => await client.PrimaryPortAsync() == replica.Port, "the replica took over");

        // The former primary comes back as one that has not heard yet, and is not believed.
        await primary.StartAgainAsync();
        await client.SetAsync("key", "2".Utf8());
        Assert.Equal(replica.Port, await client.PrimaryPortAsync());
        await Eventually.IsTrueAsync(async () => await client.PublishAsync("news", "x".Utf8()) == 1, "subscribed again");
        await heard.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
    }
}
