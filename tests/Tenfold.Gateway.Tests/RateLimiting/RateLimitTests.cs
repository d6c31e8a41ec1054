using System.Net;
using System.Text;
using System.Text.Json;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;
using Tenfold.TestSupport;

namespace Tenfold.Gateway.Tests.RateLimiting;

public sealed class RateLimitTests
{
    private static readonly RateLimit Two = new() { Limit = 2, Per = TimeSpan.FromHours(1), Store = "cache" };

    [Fact]
    public async Task An_answer_says_what_is_left_and_a_refusal_when_to_come_back()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("per-client", Two));

        using var first = await gateway.Client.GetAsync("/");
        Assert.Equal("hello", await first.Content.ReadAsStringAsync());
        Assert.Equal("\"per-client\";q=2;w=3600", Header(first, "RateLimit-Policy"));
        Assert.Equal("\"per-client\";r=1;t=1800", Header(first, "RateLimit"));
        Assert.False(first.Headers.Contains("Retry-After"));
        using var second = await gateway.Client.GetAsync("/");
        Assert.StartsWith("\"per-client\";r=0;t=3", Header(second, "RateLimit"), StringComparison.Ordinal);

        using var third = await gateway.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal("\"per-client\";q=2;w=3600", Header(third, "RateLimit-Policy"));
        Assert.Equal($"\"per-client\";r=0;t={Header(third, "Retry-After")}", Header(third, "RateLimit"));
        Assert.InRange(int.Parse(Header(third, "Retry-After")), 1790, 1800);
        Assert.Equal("application/problem+json", third.Content.Headers.ContentType!.MediaType);
        using var problem = JsonDocument.Parse(await third.Content.ReadAsStringAsync());
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.RootElement.GetProperty("type").GetString());
        Assert.Equal("per-client", problem.RootElement.GetProperty("violated-policies")[0].GetString());
        await gateway.UntilAsync(counts => counts.Total.ByClass[4] == 1 && counts.Total.ByClass[2] == 2);
    }

    [Fact]
    public async Task HTTP_2_carries_the_same()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("a", Two with { Limit = 1 }));
        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var first = await client.GetAsync("/");
        using var second = await client.GetAsync("/");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
        Assert.Equal("\"a\";r=0;t=3600", Header(first, "RateLimit"));
        Assert.Equal("\"a\";q=1;w=3600", Header(second, "RateLimit-Policy"));
        Assert.InRange(int.Parse(Header(second, "Retry-After")), 3590, 3600);
    }

    [Fact]
    public async Task Only_the_routes_of_a_limit_are_under_it()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("posts", Two with { Limit = 1, Routes = [Filter("POST /echo")] }));

        for (var i = 0; i < 3; i++)
        {
            using var free = await gateway.Client.GetAsync("/");
            Assert.False(free.Headers.Contains("RateLimit"));
        }

        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.PostAsync("/echo", new StringContent("a"))).StatusCode);
        using var refused = await gateway.Client.PostAsync("/echo", new StringContent("a"));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
    }

    [Fact]
    public async Task A_header_names_the_caller_and_whoever_leaves_it_out_counts_by_address()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("keys", Two with { Limit = 1, By = "api-key" }));

        Assert.Equal((int[])[200, 429, 200, 429, 200, 429], await StatusesAsync(gateway, "X-API-Key: a", "x-api-key: a", "X-Api-Key: b", "X-Api-Key: b", "", "X-Api-Key:"));
    }

    [Fact]
    public async Task Forwarded_addresses_count_only_from_those_who_are_believed()
    {
        await using var app = await KestrelUpstream.StartAsync();
        var limits = ("a", Two with { Limit = 1, Except = ["203.0.113.0/24"] });
        await using var trusting = await StartAsync(app, limits, new GatewaySection { TrustForwarded = ["127.0.0.0/8"] });
        await using var wary = await StartAsync(app, limits);

        Assert.Equal((int[])[200, 429, 200, 200, 200, 200], await StatusesAsync(trusting, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 1.1.1.1, 10.0.0.1:4711", "X-Forwarded-For: 10.0.0.2", "", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.9"));
        Assert.Equal((int[])[200, 429, 429], await StatusesAsync(wary, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2", "X-Forwarded-For: 203.0.113.9"));
    }

    [Fact]
    public async Task Behind_several_believed_proxies_the_address_is_that_of_the_last_one_who_is_not_believed()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("a", Two with { Limit = 1 }), new GatewaySection { TrustForwarded = ["127.0.0.0/8", "10.0.0.0/8"] });

        Assert.Equal((int[])[200, 200, 429, 429, 429], await StatusesAsync(
            gateway,
            "X-Forwarded-For: 203.0.113.1, 10.0.0.1",
            "X-Forwarded-For: 203.0.113.2, 10.0.0.1",
            "X-Forwarded-For: 1.1.1.1, 203.0.113.1, 10.0.0.1", // who made up the first
            "X-Forwarded-For: 2.2.2.2, 203.0.113.2\r\nX-Forwarded-For: 10.0.0.2, ::ffff:10.0.0.1",
            "X-Forwarded-For: unknown, 203.0.113.1"));
    }

    [Fact]
    public async Task Metrics_say_what_each_limit_did_and_who_decided()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("a", Two with { Limit = 1 }));
        await StatusesAsync(gateway, "", "", "");

        var text = new System.Buffers.ArrayBufferWriter<byte>();
        gateway.Server.WriteMetrics(text);
        var metrics = Encoding.UTF8.GetString(text.WrittenSpan);
        Assert.Contains("tenfold_gateway_rate_limit_requests_total{limit=\"a\",source=\"insurance\",outcome=\"allowed\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_rate_limit_requests_total{limit=\"a\",source=\"redis\",outcome=\"allowed\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_rate_limit_requests_total{limit=\"a\",source=\"deny-cache\",outcome=\"refused\"} 2\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_rate_limit_insured 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_route_all_callers_are_one()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartAsync(app, ("a", Two with { Limit = 1, By = "route" }), new GatewaySection { TrustForwarded = ["127.0.0.0/8"] });

        Assert.Equal((int[])[200, 429], await StatusesAsync(gateway, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2"));
    }

    [Fact]
    public async Task Two_gateways_count_together_and_killing_redis_neither_opens_the_gate_nor_fails_requests()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var app = await KestrelUpstream.StartAsync();
        await using var one = await StartAsync(app, ("a", Two with { Limit = 10 }));
        await using var two = await StartAsync(app, ("a", Two with { Limit = 10 }));
        await one.Server.ConnectStoreAsync("cache", redis.Url);
        await two.Server.ConnectStoreAsync("cache", redis.Url);
        await two.Server.ConnectStoreAsync("main", "Host=/tmp");
        await ConnectedAsync(one);
        await ConnectedAsync(two);

        Assert.Equal((int[])[200, 200, 200], await StatusesAsync(one, [.. Enumerable.Repeat("", 3)]));
        Assert.Equal((int[])[200, 200, 200], await StatusesAsync(two, [.. Enumerable.Repeat("", 3)]));
        Assert.Equal(3, await LeftAsync(one));
        await redis.KillAsync();

        // One has seen 7 of the 10, two 6: each goes on from there.
        Assert.Equal((int[])[200, 200, 200, 429, 429], await StatusesAsync(one, [.. Enumerable.Repeat("", 5)]));
        Assert.Equal((int[])[200, 200, 200, 200, 429], await StatusesAsync(two, [.. Enumerable.Repeat("", 5)]));
        await redis.StartAgainAsync();
        Assert.Equal((int[])[429, 429], await StatusesAsync(one, [.. Enumerable.Repeat("", 2)]));
    }

    private static async Task<TestGateway> StartAsync(KestrelUpstream app, (string Name, RateLimit Limit) limit, GatewaySection? section = null) =>
        await TestGateway.StartAsync(section, rateLimits: new Dictionary<string, RateLimit> { [limit.Name] = limit.Limit }, upstreams: app.EndPoint);

    // The limiter connects in the background.
    private static async Task ConnectedAsync(TestGateway gateway)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (gateway.Server.CountsAlone)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task<int[]> StatusesAsync(TestGateway gateway, params string[] headers)
    {
        var statuses = new int[headers.Length];
        for (var i = 0; i < statuses.Length; i++)
        {
            using var peer = await gateway.ConnectAsync();
            await peer.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{headers[i]}{(headers[i].Length > 0 ? "\r\n" : "")}\r\n");
            statuses[i] = int.Parse((await peer.ReadUntilAsync("\r\n"))!.AsSpan(9, 3));
        }

        return statuses;
    }

    private static async Task<int> LeftAsync(TestGateway gateway)
    {
        using var response = await gateway.Client.GetAsync("/");
        var value = Header(response, "RateLimit");
        return int.Parse(value[(value.IndexOf("r=", StringComparison.Ordinal) + 2)..value.IndexOf(";t=", StringComparison.Ordinal)]);
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));

    private static RouteFilter Filter(string text)
    {
        Assert.True(RouteFilter.TryParse(text, out var filter, out _));
        return filter;
    }
}
