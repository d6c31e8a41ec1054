using System.Net;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Forwarding;

public sealed class FailureTests
{
    private static readonly Balance Turns = Balance.RoundRobin;

    private static GatewaySection InTurns(Retries? retries = null) =>
        new() { Routes = [TestGateway.Everything with { Balance = Turns }], Retries = retries ?? new Retries() };

    private static RawUpstream Dying(string before = "") => new(async peer =>
    {
        await peer.ReadRequestAsync();
        await peer.SendAsync(before);
        peer.Socket.LingerState = new System.Net.Sockets.LingerOption(true, 0);
        peer.Dispose();
    });

    private static EndPoint Nobody()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener.LocalEndpoint;
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nConte")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly some")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("garbage\r\n\r\n")]
    public async Task What_may_be_repeated_costs_the_client_nothing_when_an_instance_dies(string before)
    {
        await using var dying = Dying(before);
        await using var alive = RawUpstream.Answering(request => RawUpstream.Ok(request.Split("\r\n\r\n")[1] + "!"));
        await using var gateway = await TestGateway.StartAsync(InTurns(), upstreams: [dying.EndPoint, alive.EndPoint]);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal("!", await gateway.Client.GetStringAsync("/"));
            using var put = await gateway.Client.PutAsync("/", new StringContent("body"));
            Assert.Equal("body!", await put.Content.ReadAsStringAsync());
        }

        Assert.True(gateway.Server.Snapshot().Total.Retries > 0);
        Assert.Equal(0, gateway.Server.Snapshot().Total.Errors);
    }

    [Fact]
    public async Task A_killed_instance_costs_nothing_even_with_requests_in_flight_on_kept_connections()
    {
        var holding = new CountdownEvent(8);
        var hold = false;
        await using var killed = new RawUpstream(async peer =>
        {
            while (await peer.ReadRequestAsync() is not null)
            {
                if (Volatile.Read(ref hold))
                {
                    holding.Signal();
                    await peer.ReadToEndAsync();
                    return;
                }

                await peer.SendAsync(RawUpstream.Ok("1"));
            }
        });
        await using var other = RawUpstream.Answering(_ => RawUpstream.Ok("2"));
        await using var gateway = await TestGateway.StartAsync(InTurns(), upstreams: [killed.EndPoint, other.EndPoint]);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => gateway.Client.GetStringAsync("/")));
        Volatile.Write(ref hold, true);
        var answers = Enumerable.Range(0, 16).Select(_ => gateway.Client.GetStringAsync("/")).ToArray();
        await Task.Run(() => Assert.True(holding.Wait(TimeSpan.FromSeconds(10))));
        killed.Kill();
        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal("2", answer));
    }

    [Fact]
    public async Task A_POST_that_may_have_been_done_is_not_repeated_and_gets_a_clean_502()
    {
        await using var dying = Dying();
        var posts = 0;
        await using var alive = RawUpstream.Answering(_ => RawUpstream.Ok($"{Interlocked.Increment(ref posts)}"));
        await using var gateway = await TestGateway.StartAsync(InTurns(), upstreams: [dying.EndPoint, alive.EndPoint]);
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 4; i++)
        {
            using var response = await gateway.Client.PostAsync("/", new StringContent("x"));
            statuses.Add(response.StatusCode);
            Assert.Equal(response.StatusCode == HttpStatusCode.OK ? "text" : "application/problem+json", response.Content.Headers.ContentType?.MediaType ?? "text");
        }

        Assert.Equal(2, statuses.Count(status => status == HttpStatusCode.BadGateway));
        Assert.Equal(2, posts);
    }

    [Fact]
    public async Task A_POST_that_was_never_sent_is_tried_elsewhere_even_when_it_streams()
    {
        await using var alive = RawUpstream.Answering(_ => RawUpstream.Ok("done"));
        await using var gateway = await TestGateway.StartAsync(InTurns(), upstreams: [Nobody(), alive.EndPoint]);
        for (var i = 0; i < 4; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("0") };
            request.Headers.TransferEncodingChunked = true;
            using var response = await gateway.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task A_large_answer_that_breaks_off_is_not_taken_for_complete()
    {
        await using var dying = Dying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        await using var gateway = await TestGateway.StartAsync(upstreams: dying.EndPoint);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => gateway.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task An_idle_connection_that_the_instance_has_just_closed_is_no_failure()
    {
        // Answers one request a connection, then closes it without saying so.
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync(RawUpstream.Ok("x"));
            await peer.ReadRequestAsync();
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("x", await gateway.Client.GetStringAsync("/"));
        }

        Assert.Equal(0, gateway.Server.Snapshot().Instances[0].Failures);
    }

    [Fact]
    public async Task Without_any_instance_the_answer_is_503_with_Retry_After()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var response = await gateway.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);
        Assert.Contains("'api'", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_that_does_not_answer_in_time_is_504_and_another_one_is_asked_first()
    {
        await using var mute = new RawUpstream(async peer => await peer.ReadToEndAsync());
        await using var alive = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        var section = new GatewaySection { Routes = [TestGateway.Everything with { Balance = Turns, FirstByteTimeout = TimeSpan.FromMilliseconds(200) }] };
        await using var one = await TestGateway.StartAsync(section, upstreams: mute.EndPoint);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await one.Client.GetAsync("/")).StatusCode);
        await using var two = await TestGateway.StartAsync(section, upstreams: [mute.EndPoint, alive.EndPoint]);
        Assert.Equal("x", await two.Client.GetStringAsync("/"));
        Assert.Equal("x", await two.Client.GetStringAsync("/"));
    }

    [Theory]
    [InlineData(true, "200")]
    [InlineData(false, "504")]
    public async Task The_first_byte_is_waited_for_from_the_end_of_a_long_body_on(bool answers, string expected)
    {
        var all = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadUntilAsync("0\r\n\r\n");
            all.SetResult();
            await (answers ? peer.SendAsync(RawUpstream.Ok("x")) : peer.ReadToEndAsync());
        });
        var time = new SetTime();
        var section = new GatewaySection
        {
            Routes = [TestGateway.Everything with { FirstByteTimeout = TimeSpan.FromSeconds(5) }],
            Limits = new GatewayLimits { BodyRate = 0 },
        };
        await using var gateway = await TestGateway.StartAsync(section, time, upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        await peer.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        await gateway.UntilAsync(now => now.Instances[0].InFlight == 1);
        time.Advance(TimeSpan.FromSeconds(20));
        await Task.Delay(250); // two looks at the limits
        await peer.SendAsync("0\r\n\r\n");
        await all.Task.WaitAsync(TimeSpan.FromSeconds(10));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        for (var seconds = 0; !answers && peer.Socket.Available == 0; seconds++)
        {
            await Task.Delay(50, limit.Token);
            time.Advance(TimeSpan.FromSeconds(seconds < 30 ? 1 : 0)); // 30 of the 40 s left to the whole
        }

        Assert.StartsWith($"HTTP/1.1 {expected}", await peer.ReadUntilAsync("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_timeout_of_a_budget_caps_that_of_its_route()
    {
        await using var mute = new RawUpstream(async peer => await peer.ReadToEndAsync());
        var budget = new Budget { Route = new RouteKey("GET", PathPattern.Parse("/slow/{id}")), Timeout = TimeSpan.FromMilliseconds(200) };
        await using var gateway = await TestGateway.StartAsync(budgets: [budget], upstreams: mute.EndPoint);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await gateway.Client.GetAsync("/slow/1")).StatusCode);
        await gateway.UntilAsync(now => now.ByRoute.TryGetValue("GET /slow/{id}", out var slow) && slow.Errors == 1);
    }

    [Fact]
    public async Task An_answer_that_takes_too_long_is_broken_off()
    {
        await using var slow = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx");
            await peer.ReadToEndAsync();
        });
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [TestGateway.Everything with { Timeout = TimeSpan.FromMilliseconds(300) }] }, upstreams: slow.EndPoint);
        var answer = await gateway.SendRawAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retries_stop_when_the_budget_is_used_up()
    {
        await using var bad = RawUpstream.Answering(_ => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        await using var worse = RawUpstream.Answering(_ => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(InTurns(new Retries { MinPerSecond = 1 }), new SetTime(), upstreams: [bad.EndPoint, worse.EndPoint]);
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.Client.GetAsync("/")).StatusCode);
        }

        Assert.Equal(10, gateway.Server.Snapshot().Total.Retries);
    }

    [Fact]
    public async Task Failures_of_real_requests_eject_an_instance_and_all_ejected_are_used_rather_than_none()
    {
        await using var bad = RawUpstream.Answering(_ => "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        await using var good = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        var health = TestGateway.Health with { Passive = new PassiveHealth { Failures = 3, Out = TimeSpan.FromHours(1) } };
        await using var gateway = await TestGateway.StartAsync(InTurns(), new SetTime(), health: health, upstreams: [bad.EndPoint, good.EndPoint]);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("x", await gateway.Client.GetStringAsync("/"));
        }

        var instance = gateway.Server.Snapshot().Instances[0];
        Assert.Equal((InstanceState.Ejected, 3L), (instance.State, instance.Failures));
        gateway.Server.Remove("api", "api-2");
        Assert.Equal(HttpStatusCode.BadGateway, (await gateway.Client.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task Active_checks_take_an_instance_out_and_bring_it_back()
    {
        var well = true;
        await using var upstream = RawUpstream.Answering(request =>
            !request.StartsWith("GET /well ", StringComparison.Ordinal) || Volatile.Read(ref well) ? RawUpstream.Ok("1") : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        await using var other = RawUpstream.Answering(_ => RawUpstream.Ok("2"));
        var health = TestGateway.Health with { Path = "/well", Interval = TimeSpan.FromMilliseconds(20), Timeout = TimeSpan.FromSeconds(30), Failures = 2, Successes = 2 };
        await using var gateway = await TestGateway.StartAsync(InTurns(), health: health, upstreams: [upstream.EndPoint, other.EndPoint]);

        async Task Until(InstanceState state)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            while (gateway.Server.Snapshot().Instances[0].State != state)
            {
                await Task.Delay(10, limit.Token);
            }
        }

        Volatile.Write(ref well, false);
        await Until(InstanceState.Unhealthy);
        Assert.Equal(500, gateway.Server.Snapshot().Instances[0].LastCheck!.Status);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("2", await gateway.Client.GetStringAsync("/"));
        }

        Volatile.Write(ref well, true);
        await Until(InstanceState.Ready);
        Assert.Equal("1", await gateway.Client.GetStringAsync("/") is var a && a == "1" ? a : await gateway.Client.GetStringAsync("/"));
    }

    [Fact]
    public async Task A_draining_instance_gets_nothing_new_and_finishes_what_it_has()
    {
        await using var upstream = new HeldUpstream("last");
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var request = gateway.Client.GetStringAsync("/");
        await upstream.Arrived;
        Assert.False(await gateway.Server.DrainAsync("api", "api-1", TimeSpan.FromMilliseconds(50), CancellationToken.None));
        var drained = gateway.Server.DrainAsync("api", "api-1", TimeSpan.FromSeconds(10), CancellationToken.None);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.Client.GetAsync("/")).StatusCode);
        Assert.Equal(InstanceState.Draining, gateway.Server.Snapshot().Instances[0].State);
        upstream.Answer();
        Assert.Equal("last", await request);
        Assert.True(await drained);
        gateway.Server.Remove("api", "api-1");
        Assert.Empty(gateway.Server.Snapshot().Instances);
        await gateway.UntilAsync(now => now.ByRoute["/**"].ByClass[2] == 1);
    }

    [Fact]
    public async Task What_outlives_the_removal_of_its_instance_is_counted_all_the_same()
    {
        var arrived = new TaskCompletionSource();
        var broken = new TaskCompletionSource();
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            arrived.SetResult();
            await broken.Task;
        });
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var request = gateway.Client.PostAsync("/", new StringContent("x"));
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10));
        gateway.Server.Remove("api", "api-1");
        Assert.Equal(0, gateway.Server.Snapshot().Total.Errors);
        broken.SetResult();
        using var response = await request;
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        await gateway.UntilAsync(now => now.Total.Errors == 1);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal((1, 1), (gateway.Server.Snapshot().Total.Errors, gateway.Server.Snapshot().Total.Requests));
        }
    }

    [Fact]
    public async Task A_change_of_protocol_that_nobody_asked_for_is_502()
    {
        await using var upstream = RawUpstream.Answering(_ => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal(HttpStatusCode.BadGateway, (await gateway.Client.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task A_request_with_a_body_is_not_upgraded()
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(request.Contains("Upgrade", StringComparison.OrdinalIgnoreCase) ? "yes" : "no"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        var answer = await gateway.SendRawAsync("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx");
        Assert.EndsWith("no", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replacing_instances_one_by_one_under_load_fails_no_request()
    {
        await using var gateway = await TestGateway.StartAsync(InTurns());
        var generation = new List<KestrelUpstream> { await KestrelUpstream.StartAsync(), await KestrelUpstream.StartAsync() };
        gateway.Server.Add(new Upstream("api", "a-0", generation[0].EndPoint));
        gateway.Server.Add(new Upstream("api", "a-1", generation[1].EndPoint));
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal("hello", await gateway.Client.GetStringAsync("/"));
                using var post = await gateway.Client.PostAsync("/echo", new StringContent("x"));
                Assert.Equal(HttpStatusCode.OK, post.StatusCode);
            }
        }).ToArray();
        for (var i = 2; i < 8; i++)
        {
            var next = await KestrelUpstream.StartAsync();
            gateway.Server.Add(new Upstream("api", $"a-{i}", next.EndPoint));
            Assert.True(await gateway.Server.DrainAsync("api", $"a-{i - 2}", TimeSpan.FromSeconds(10), CancellationToken.None));
            gateway.Server.Remove("api", $"a-{i - 2}");
            await generation[i - 2].DisposeAsync();
            generation.Add(next);
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
    }
}
