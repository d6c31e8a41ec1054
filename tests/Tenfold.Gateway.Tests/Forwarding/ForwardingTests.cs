using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Forwarding;

public sealed partial class ForwardingTests
{
    [GeneratedRegex("Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT\r\n")]
    private static partial Regex Date();

    // Every final answer has one, and only one.
    private static string WithoutDate(string answer) => Date().Replace(answer, "", 1);

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nhi", "GET", "Date: Thu, 01 Jan 1970 00:00:00 GMT")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "GET", null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "GET http://b", null)] // refused by the gateway itself
    public async Task Every_answer_says_when_it_was_made(string answer, string method, string? expected)
    {
        await using var upstream = RawUpstream.Answering(_ => answer);
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var got = await gateway.SendRawAsync($"{method}{(method.Contains(' ', StringComparison.Ordinal) ? "" : " ")}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        var date = Assert.Single(got.Split("\r\n"), line => line.StartsWith("Date: ", StringComparison.Ordinal));
        Assert.Equal(expected ?? date, date);
        Assert.Matches(Date(), date + "\r\n");
    }

    [Theory]
    [InlineData("HTTP/1.1", "Via: 1.0 a, 1.1 b\r\n", "Via: 1.0 a, 1.1 b|Via: 1.1 tenfold")]
    [InlineData("HTTP/1.0", "", "Via: 1.0 tenfold")]
    public async Task An_instance_is_told_through_whom_a_request_came(string version, string before, string expected)
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(string.Join('|', request.Split("\r\n").Where(line => line.StartsWith("Via", StringComparison.Ordinal)))));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.EndsWith(expected, await gateway.SendRawAsync($"GET / {version}\r\nHost: a\r\n{before}Connection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_and_its_answer_pass_with_their_own_headers_and_none_of_the_hop()
    {
        var seen = "";
        await using var upstream = RawUpstream.Answering(request =>
        {
            seen = request;
            return RawUpstream.Ok("hello", "X-A: 1\r\nConnection: x-hop, keep-alive\r\nX-Hop: gone\r\nKeep-Alive: timeout=5\r\nX-B: 2\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        await peer.SendAsync("POST /a/b?c=d HTTP/1.1\r\nHost: shop.example:81\r\nX-One: 1\r\nConnection: x-mine, close\r\nX-Mine: hop\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Port: 1\r\nForwarded: for=6.6.6.6\r\nProxy-Connection: x\r\nX-Two: 2\r\nContent-Length: 3\r\n\r\nabc");
        var answer = WithoutDate(await peer.ReadToEndAsync());

        Assert.Equal("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", answer);
        Assert.Equal(
            "POST /a/b?c=d HTTP/1.1\r\nHost: shop.example:81\r\nX-One: 1\r\nX-Two: 2\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example:81\r\n" +
            "Forwarded: for=127.0.0.1;host=\"shop.example:81\";proto=http\r\nVia: 1.1 tenfold\r\nContent-Length: 3\r\n\r\nabc",
            seen);
    }

    [Fact]
    public async Task Forwarding_headers_of_a_trusted_network_are_believed_and_extended()
    {
        var seen = "";
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(seen = request));
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { TrustForwarded = ["127.0.0.0/8"] }, upstreams: upstream.EndPoint);
        await gateway.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=6.6.6.6\r\nConnection: close\r\n\r\n");
        Assert.Contains("X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=6.6.6.6, for=127.0.0.1;host=\"a\";proto=http\r\n", seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.0/8", 2)]
    [InlineData("10.0.0.0/8", 1)]
    public async Task A_hash_of_the_address_looks_behind_a_proxy_that_is_trusted(string trusted, int instances)
    {
        await using var one = RawUpstream.Answering(_ => RawUpstream.Ok("1"));
        await using var two = RawUpstream.Answering(_ => RawUpstream.Ok("2"));
        var section = new GatewaySection { TrustForwarded = [trusted], Routes = [TestGateway.Everything with { Balance = Balance.ConsistentHash }] };
        await using var gateway = await TestGateway.StartAsync(section, upstreams: [one.EndPoint, two.EndPoint]);
        var answers = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 40; i++)
        {
            var from = new HashSet<string>(StringComparer.Ordinal);
            foreach (var before in new[] { "", "1.2.3.4, ", "5.6.7.8," })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/");
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", $"{before}203.0.113.{i}");
                using var response = await gateway.Client.SendAsync(request);
                from.Add(await response.Content.ReadAsStringAsync());
            }

            answers.Add(Assert.Single(from));
        }

        Assert.Equal(instances, answers.Count);
    }

    [Fact]
    public async Task Many_requests_share_few_connections()
    {
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal("x", await gateway.Client.GetStringAsync("/"));
        }

        Assert.Equal(1, upstream.Connections);
    }

    [Fact]
    public async Task An_instance_on_a_Unix_socket_is_reached()
    {
        var path = Path.Combine(Path.GetTempPath(), $"gw-{Guid.NewGuid():N}.sock");
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("unix"), path);
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal("unix", await gateway.Client.GetStringAsync("/"));
        File.Delete(path);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")]
    public async Task Every_framing_passes(string answer, string expected)
    {
        await using var upstream = RawUpstream.Answering(_ => answer);
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal(expected, WithoutDate(await gateway.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
    }

    [Fact]
    public async Task A_body_that_ends_with_its_connection_is_chunked_for_1_1_and_closed_for_1_0()
    {
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.0 200 OK\r\n\r\nuntil the end");
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n", WithoutDate(await gateway.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
        Assert.Equal("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", WithoutDate(await gateway.SendRawAsync("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")));
    }

    [Fact]
    public async Task HEAD_announces_a_length_without_a_body_and_the_connection_stays_in_step()
    {
        await using var upstream = RawUpstream.Answering(request => request.StartsWith("HEAD", StringComparison.Ordinal) ? "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n" : RawUpstream.Ok("body"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        for (var i = 0; i < 3; i++)
        {
            using var head = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"));
            Assert.Equal(1234, head.Content.Headers.ContentLength);
            Assert.Equal("body", await gateway.Client.GetStringAsync("/"));
        }
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(request.Split(' ')[1]));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var answer = await gateway.SendRawAsync("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxx\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Assert.Equal(["/1", "/2", "/3"], answer.Split("\r\n").Where(line => line.StartsWith('/')).Select(line => line[..2]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_large_body_passes_both_ways(bool chunked)
    {
        var body = new byte[5_000_000];
        new Random(1).NextBytes(body);
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo") { Content = new ByteArrayContent(body) };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await gateway.Client.SendAsync(request);
        Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_request_body_is_passed_on_while_it_comes_and_its_trailers_too()
    {
        var got = new TaskCompletionSource<string>();
        var rest = new TaskCompletionSource<string>();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadUntilAsync("\r\n\r\n");
            got.SetResult(await peer.ReadAsync(10));
            rest.SetResult((await peer.ReadUntilAsync("\r\n\r\n"))!);
            await peer.SendAsync(RawUpstream.Ok("done"));
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n");
        Assert.Equal("5\r\nhello\r\n", await got.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        await client.SendAsync("1\r\n!\r\n0\r\nX-Sum: 42\r\nContent-Length: 7\r\n\r\n");
        Assert.Equal("1\r\n!\r\n0\r\nX-Sum: 42\r\n\r\n", await rest.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.EndsWith("done", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_sent_events_arrive_one_by_one_and_outlive_the_time_limit_of_the_route()
    {
        var next = new SemaphoreSlim(0);
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (var i = 0; i < 4; i++)
            {
                await peer.SendAsync($"9\r\ndata: {i}\n\n\r\n");
                await next.WaitAsync();
            }

            await peer.SendAsync("0\r\n\r\n");
        });
        var route = TestGateway.Everything with { Timeout = TimeSpan.FromSeconds(5) };
        var time = new SetTime();
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [route] }, time, upstreams: upstream.EndPoint);
        await using var stream = await gateway.Client.GetStreamAsync("/");
        using var reader = new StreamReader(stream);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal($"data: {i}", await reader.ReadLineAsync());
            await reader.ReadLineAsync();
            time.Advance(TimeSpan.FromSeconds(3)); // four of them are more than the limit
            await Task.Delay(250); // two looks at the limits
            next.Release();
        }

        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task The_head_of_an_answer_does_not_wait_for_its_body()
    {
        var seen = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            await seen.Task;
            await peer.SendAsync("1\r\nx\r\n0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await client.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        seen.SetResult();
        Assert.Equal("1\r\nx\r\n0\r\n\r\n", await client.ReadUntilAsync("0\r\n\r\n"));
    }

    [Theory]
    [InlineData(1, 20_000)]
    [InlineData(100_000, 3)]
    public async Task Chunks_of_any_size_come_out_as_they_went_in(int size, int count)
    {
        var chunk = $"{size:x}\r\n{new string('x', size)}\r\n";
        await using var upstream = RawUpstream.Answering(_ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(Enumerable.Repeat(chunk, count)) + "0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal(new string('x', size * count), await gateway.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_websocket_passes_both_ways_and_its_end_too()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var socket = new System.Net.WebSockets.ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{gateway.Port}/ws"), CancellationToken.None);
        var buffer = new byte[1000];
        for (var i = 0; i < 10; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"message {i}"), System.Net.WebSockets.WebSocketMessageType.Text, true, CancellationToken.None);
            var got = await socket.ReceiveAsync(buffer, CancellationToken.None);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(buffer, 0, got.Count));
        }

        await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
        Assert.Equal(System.Net.WebSockets.WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task A_client_that_waits_for_100_gets_it_when_its_body_is_wanted()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await client.ReadUntilAsync("\r\n\r\n"));
        await client.SendAsync("hello");
        Assert.EndsWith("hello", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_request_at_the_instance()
    {
        var arrived = new TaskCompletionSource();
        var gone = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            arrived.SetResult();
            await peer.ReadToEndAsync();
            gone.SetResult();
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10));
        client.Dispose();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task An_early_answer_reaches_a_client_that_is_still_sending()
    {
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadUntilAsync("\r\n\r\n");
            await peer.SendAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
            await peer.ReadToEndAsync();
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\nsome");
        Assert.EndsWith("Connection: close\r\n\r\nno", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_client_holds_the_instance_back()
    {
        var sent = 0L;
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            var piece = new byte[65536];
            while (true)
            {
                Interlocked.Add(ref sent, await peer.Socket.SendAsync(piece));
            }
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.ReadAsync(100);

        // It stops when every buffer on the way is full: system sockets of up to 6 MB each, and little of the gateway's own.
        var (last, still) = (0L, 0);
        while (still < 10)
        {
            await Task.Delay(50);
            still = Interlocked.Read(ref sent) == last ? still + 1 : 0;
            last = Interlocked.Read(ref sent);
        }

        Assert.InRange(last, 1, 40_000_000);
    }
}
