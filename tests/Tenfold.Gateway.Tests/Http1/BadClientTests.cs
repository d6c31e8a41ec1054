using System.Net.Sockets;
using System.Text;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Http1;

public sealed class BadClientTests
{
    private static string Status(string answer) => answer.Length > 12 ? answer[9..12] : answer;

    [Theory]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("501", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("501", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloGARBAGE\r\n0\r\n\r\n")]
    [InlineData("400", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\nHost: a\n\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\n\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\r\nX: a\xff\xfe\r\n\r\n")]
    [InlineData("400", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /x/%2e%2e/etc HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [InlineData("400", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n")]
    [InlineData("400", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET /\r\nHost: a\r\n\r\n")]
    [InlineData("400", "GET  HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")]
    [InlineData("505", "GET / HTTP/3.0\r\nHost: a\r\n\r\n")]
    [InlineData("501", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")]
    [InlineData("417", "GET / HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n")]
    [InlineData("404", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    public async Task What_could_be_read_in_two_ways_is_refused_and_the_connection_closed(string expected, string request)
    {
        var seen = 0;
        await using var upstream = RawUpstream.Answering(request =>
        {
            Interlocked.Increment(ref seen);
            return RawUpstream.Ok("x");
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        await peer.SendAsync(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        var answer = await peer.ReadUntilAsync("\r\n\r\n");
        peer.Socket.Shutdown(SocketShutdown.Send);
        answer += await peer.ReadToEndAsync();
        Assert.Equal(expected, Status(answer));
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
        Assert.Equal(1, answer.Split("HTTP/1.1 ").Length - 1);
        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task A_long_list_of_what_is_hop_by_hop_is_refused_because_every_header_is_looked_for_in_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        Assert.Equal("503", Status(await gateway.SendRawAsync($"GET / HTTP/1.1\r\nHost: a\r\nConnection: close,{new string('a', 250)}\r\n\r\n")));
        Assert.Equal("400", Status(await gateway.SendRawAsync($"GET / HTTP/1.1\r\nHost: a\r\nConnection: close,{new string('a', 251)}\r\n\r\n")));
        Assert.Equal("400", Status(await gateway.SendRawAsync($"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Repeat("Connection: abc\r\n", 86))}\r\n")));
    }

    [Theory]
    [InlineData("GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /x HTTP/1.1")]
    [InlineData("\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /y HTTP/1.1")]
    [InlineData("PROPFIND /z?a=%zz HTTP/1.1\r\nHost:a\r\nConnection: close\r\n\r\n", "PROPFIND /z?a=%zz HTTP/1.1")]
    [InlineData("GET /?q=\xc3\xbc HTTP/1.1\r\nHost:a\r\nConnection: close\r\n\r\n", "GET /?q=\xc3\xbc HTTP/1.1")]
    public async Task What_is_unusual_but_clear_passes(string request, string expected)
    {
        var seen = "";
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok("x" + (seen = request)[..0]));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal("200", Status(await gateway.SendRawAsync(request)));
        Assert.Equal(expected, seen.Split("\r\n")[0]);
    }

    [Fact]
    public async Task A_head_split_anywhere_is_read_the_same()
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(string.Concat(request.Split("\r\n\r\n")[1].Where(char.IsAsciiLetter))));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        const string Request = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        using var peer = await gateway.ConnectAsync();
        for (var i = 1; i < Request.Length; i++)
        {
            await peer.SendAsync(Request[..i]);
            await Task.Yield();
            await peer.SendAsync(Request[i..]);
            var head = await peer.ReadUntilAsync("\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
            Assert.Equal("hi", await peer.ReadAsync(2));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task A_head_that_comes_in_many_pieces_is_read_the_same(int size)
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(request.Split("\r\n")[0]));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        const string Request = "\r\nGET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
        for (var at = 0; at < Request.Length; at += size)
        {
            await peer.SendAsync(Request[at..Math.Min(at + size, Request.Length)]);
            await Task.Delay(2); // so that it arrives by itself
        }

        Assert.StartsWith("HTTP/1.1 200", await peer.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal("GET /a HTTP/1.1", await peer.ReadAsync(15));
    }

    [Theory]
    [InlineData("GET /a HTTP/1.1\r\n", "Host: a\r\n", "\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: a\r", "\nX: y\r\n", "\r\n")]
    public async Task A_head_that_comes_line_by_line_is_read_the_same(params string[] pieces)
    {
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        foreach (var piece in pieces)
        {
            await peer.SendAsync(piece);
            await Task.Delay(50); // so that it arrives by itself
        }

        Assert.StartsWith("HTTP/1.1 200", await peer.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_the_gateway_itself_closes_at_once_when_the_client_asked_for_that()
    {
        // The clock stands still: whatever waited for it would wait for ever.
        await using var gateway = await TestGateway.StartAsync(time: new SetTime());
        Assert.Equal("503", Status(await gateway.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
    }

    [Fact]
    public async Task A_client_that_asks_and_asks_and_never_reads_is_dropped()
    {
        var time = new SetTime();
        // Nothing but the unread answers is to end it.
        var section = new GatewaySection { Limits = new GatewayLimits { HeaderTimeout = TimeSpan.FromHours(1), KeepAlive = TimeSpan.FromHours(1) }, Routes = [new Route { Path = PathPattern.Parse("/api/**"), Service = "api" }] };
        await using var gateway = await TestGateway.StartAsync(section, time);
        using var peer = await gateway.ConnectAsync();
        peer.Socket.ReceiveBufferSize = 4096;
        var requests = string.Concat(Enumerable.Repeat("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 2000));
        var asking = Assert.ThrowsAnyAsync<SocketException>(async () =>
        {
            while (true)
            {
                await peer.SendAsync(requests);
            }
        });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!asking.IsCompleted)
        {
            await Task.Delay(100, limit.Token);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await asking;
    }

    [Fact]
    public async Task A_client_that_breaks_off_within_its_body_is_counted()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        foreach (var length in new[] { 100, 1_000_000 })
        {
            using var peer = await gateway.ConnectAsync();
            await peer.SendAsync($"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 100", await peer.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal); // now the body is waited for
            await peer.SendAsync("x");
            peer.Socket.LingerState = new LingerOption(true, 0);
        }

        await gateway.UntilAsync(now => now.Total.ByClass[0] == 2 && now.Instances[0].InFlight == 0);
    }

    [Fact]
    public async Task A_head_of_100_MB_is_431_without_being_kept()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var peer = await gateway.ConnectAsync();
        var sending = Task.Run(async () =>
        {
            var megabyte = new string('x', 1 << 20);
            try
            {
                await peer.SendAsync("GET / HTTP/1.1\r\nHost: a\r\nX: ");
                for (var i = 0; i < 100; i++)
                {
                    await peer.SendAsync(megabyte);
                }
            }
            catch (SocketException)
            {
                // The gateway has had enough.
            }
        });
        Assert.StartsWith("HTTP/1.1 431", await peer.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await peer.ReadToEndAsync();
        peer.Dispose();
        await sending;
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_announced_or_not()
    {
        await using var app = await KestrelUpstream.StartAsync();
        var section = new GatewaySection { Limits = new GatewayLimits { Body = new ByteSize(100_000) } };
        await using var gateway = await TestGateway.StartAsync(section, upstreams: app.EndPoint);
        Assert.Equal("413", Status(await gateway.SendRawAsync("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n")));
        var chunk = $"4000\r\n{new string('x', 0x4000)}\r\n";
        Assert.Equal("413", Status(await gateway.SendRawAsync("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(Enumerable.Repeat(chunk, 7)))));
    }

    [Fact]
    public async Task A_slow_head_is_408_and_an_idle_connection_is_closed_silently()
    {
        await using var slow = await TestGateway.StartAsync(new GatewaySection { Limits = new GatewayLimits { HeaderTimeout = TimeSpan.FromMilliseconds(300) } });
        Assert.Equal("408", Status(await slow.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Slow")));
        await using var idle = await TestGateway.StartAsync(new GatewaySection { Limits = new GatewayLimits { KeepAlive = TimeSpan.FromMilliseconds(300) } });
        Assert.Equal("", await idle.SendRawAsync(""));
    }

    [Fact]
    public async Task A_body_that_hardly_comes_is_cut_after_its_grace()
    {
        await using var app = await KestrelUpstream.StartAsync();
        var time = new SetTime();
        var never = TimeSpan.FromHours(10);
        var section = new GatewaySection { Limits = new GatewayLimits { HeaderTimeout = TimeSpan.FromHours(1), KeepAlive = never }, Routes = [TestGateway.Everything with { Timeout = never }] };
        await using var gateway = await TestGateway.StartAsync(section, time, upstreams: app.EndPoint);
        var small = gateway.SendRawAsync("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");
        var large = gateway.SendRawAsync("PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!small.IsCompleted || !large.IsCompleted)
        {
            await Task.Delay(50, limit.Token);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal("408", Status(await small));
        Assert.Equal("408", Status(await large));
    }

    [Fact]
    public async Task Thousands_of_idle_connections_do_not_hinder_a_request()
    {
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        // Both ends are in this process, so that 10,000 connections need 20,000 descriptors and some.
        var limit = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
        var count = Math.Min(10_000, ((limit is "unlimited" ? 1_000_000 : int.Parse(limit)) - 1000) / 2);
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                idle.Add(socket);
                await socket.ConnectAsync("127.0.0.1", gateway.Port);
            }

            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (gateway.Server.Snapshot().ClientConnections < count)
            {
                await Task.Delay(20, deadline.Token);
            }

            for (var i = 0; i < 100; i++)
            {
                Assert.Equal("x", await gateway.Client.GetStringAsync("/"));
            }
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    }
}
