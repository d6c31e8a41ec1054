using System.Net;
using Tenfold.Redis.Cluster;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Cluster;

public sealed class HashSlotTests
{
    [Theory]
    [InlineData("123456789", 12739)] // CRC16 0x31C3, the check value of XMODEM
    [InlineData("foo", 12182)]
    [InlineData("{foo}bar", 12182)]
    [InlineData("", 0)]
    public void A_slot_is_that_of_the_specification(string key, int slot)
    {
        Assert.Equal(slot, HashSlot.Of(key));
        Assert.Equal(slot, HashSlot.Of(key.Utf8()));
    }

    [Fact]
    public async Task A_slot_is_what_Redis_says()
    {
        await using var server = await TestSupport.RedisServer.StartAsync("--cluster-enabled", "yes");
        await using var client = new RedisClient(Patient.Options(server.Url));
        string[] keys = ["{}x", "{a}{b}", "x{a", "x}{a}", "{{a}}", "ünïcödé", new string('k', 2000), .. Enumerable.Range(0, 50).Select(i => $"key:{i * 7919}")];
        foreach (var key in keys)
        {
            Assert.Equal((await client.ExecuteAsync(["CLUSTER", "KEYSLOT", key])).Integer, HashSlot.Of(key));
        }
    }

    [Theory]
    [InlineData("MOVED 3999 127.0.0.1:6381", RedirectionKind.Moved, 3999, "127.0.0.1:6381")]
    [InlineData("ASK 0 ::1:6381", RedirectionKind.Ask, 0, "[::1]:6381")]
    [InlineData("MOVED 16383 :6381", RedirectionKind.Moved, 16383, "10.0.0.1:6381")]
    [InlineData("MOVED 1 node.example.org:7000", RedirectionKind.Moved, 1, "Unspecified/node.example.org:7000")]
    [InlineData("MOVED 16384 127.0.0.1:6381", RedirectionKind.None, 0, null)]
    [InlineData("MOVED x 127.0.0.1:6381", RedirectionKind.None, 0, null)]
    [InlineData("MOVED 1 127.0.0.1", RedirectionKind.None, 0, null)]
    [InlineData("TRYAGAIN Multiple keys request during rehashing of slot", RedirectionKind.Again, 0, null)]
    [InlineData("CLUSTERDOWN The cluster is down", RedirectionKind.Refresh, 0, null)]
    [InlineData("ERR MOVED 1 127.0.0.1:1", RedirectionKind.None, 0, null)]
    internal void A_redirection_is_read(string error, RedirectionKind kind, int slot, string? to)
    {
        var redirection = Redirection.Parse(error.Utf8(), new IPEndPoint(IPAddress.Parse("10.0.0.1"), 7000));
        Assert.Equal((kind, slot, to), (redirection.Kind, redirection.Slot, redirection.To?.ToString()));
    }
}
