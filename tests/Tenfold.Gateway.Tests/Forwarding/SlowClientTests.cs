using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Forwarding;

/// <summary>Clients that neither send nor take what they should: they hold nothing for longer than the time limit, and no instance is blamed.</summary>
public sealed class SlowClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    public async Task A_body_that_is_not_there_at_the_time_limit_is_the_clients_fault(int length)
    {
        var time = new SetTime();
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Limits = new GatewayLimits { BodyRate = 0 } }, time, upstreams: app.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync($"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nx");
        await UntilAsync(time, () => client.Socket.Available > 0);

        Assert.StartsWith("HTTP/1.1 408", await client.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        client.Dispose();
        var counts = await gateway.UntilAsync(now => now.Total.Requests == 1);
        Assert.Equal((0, 0), (counts.Total.Errors, counts.Instances[0].Failures));
    }

    [Fact]
    public async Task A_client_that_does_not_take_interim_answers_is_dropped_at_the_time_limit()
    {
        var time = new SetTime();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            while (true)
            {
                await peer.SendAsync($"HTTP/1.1 103 Early Hints\r\nLink: {new string('x', 8000)}\r\n\r\n");
            }
        });
        await using var gateway = await TestGateway.StartAsync(time: time, upstreams: upstream.EndPoint);
        using var client = await ConnectAsync(gateway);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await gateway.UntilAsync(now => now.Instances[0].InFlight == 1);
        await UntilAsync(time, () => gateway.Server.Snapshot().ClientConnections == 0);
    }

    [Fact]
    public async Task A_tunnel_whose_client_does_not_read_ends_with_its_instance()
    {
        var sent = 0L;
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
            var piece = new byte[65536];
            while (true)
            {
                Interlocked.Add(ref sent, await peer.Socket.SendAsync(piece));
            }
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = await ConnectAsync(gateway);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        for (var (last, still) = (0L, 0); still < 10;) // until every buffer on the way is full
        {
            await Task.Delay(50);
            var now = Interlocked.Read(ref sent);
            (last, still) = (now, now > 0 && now == last ? still + 1 : 0);
        }

        gateway.Server.Remove("api", "api-1");
        await gateway.UntilAsync(now => now.ClientConnections == 0);
    }

    private static async Task<RawPeer> ConnectAsync(TestGateway gateway)
    {
        var client = await gateway.ConnectAsync();
        client.Socket.ReceiveBufferSize = 4096;
        return client;
    }

    // A second of the gateway's clock every 50 ms.
    private static async Task UntilAsync(SetTime time, Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(50, limit.Token);
        }
    }
}
