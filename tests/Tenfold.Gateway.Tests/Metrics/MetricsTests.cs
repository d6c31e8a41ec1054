using System.Net;
using System.Net.Sockets;
using Tenfold.Gateway.Metrics;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Metrics;

public sealed class MetricsTests
{
    [Fact]
    public async Task Requests_are_counted_by_route_service_and_instance()
    {
        await using var upstream = RawUpstream.Answering(request => request.Contains("/missing", StringComparison.Ordinal) ? "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" : RawUpstream.Ok("x"));
        var budget = new Budget { Route = new RouteKey("GET", PathPattern.Parse("/api/products/{id}")) };
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [new Route { Path = PathPattern.Parse("/api/**"), Service = "api" }] }, budgets: [budget], upstreams: upstream.EndPoint);
        for (var i = 0; i < 3; i++)
        {
            await gateway.Client.GetStringAsync($"/api/products/{i}");
        }

        using var missing = await gateway.Client.GetAsync("/api/missing");
        using var none = await gateway.Client.GetAsync("/none");
        await gateway.UntilAsync(now => now.Total.Requests == 5);
        var text = await gateway.Client.GetStringAsync("/metrics");

        Assert.Contains("tenfold_gateway_requests_total{route=\"GET /api/products/{id}\",service=\"api\",instance=\"api-1\",code=\"2xx\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_requests_total{route=\"/api/**\",service=\"api\",instance=\"api-1\",code=\"4xx\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_requests_total{route=\"none\",service=\"\",instance=\"\",code=\"4xx\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_request_duration_seconds_bucket{route=\"GET /api/products/{id}\",service=\"api\",instance=\"api-1\",le=\"+Inf\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_instance_state{service=\"api\",instance=\"api-1\",state=\"ready\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("tenfold_gateway_in_flight{route=\"/api/**\",service=\"api\",instance=\"api-1\"} 0\n", text, StringComparison.Ordinal);
        var snapshot = gateway.Server.Snapshot();
        Assert.Equal(3, snapshot.ByRoute["GET /api/products/{id}"].Latency.Count);
        Assert.Equal(4, snapshot.ByService["api"].Requests);
        Assert.Equal(4, snapshot.Of("api", "api-1").Requests);
    }

    [Fact]
    public async Task What_is_refused_before_it_is_understood_is_counted_too()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.SendRawAsync("GET /\r\n\r\n");
        await gateway.UntilAsync(now => now.ByRoute.TryGetValue("none", out var none) && none.ByClass[4] == 1);
    }

    [Fact]
    public async Task What_is_in_flight_is_counted_by_its_route()
    {
        await using var upstream = new HeldUpstream("x");
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [new Route { Path = PathPattern.Parse("/api/**"), Service = "api" }] }, upstreams: upstream.EndPoint);
        var request = gateway.Client.GetStringAsync("/api/slow");
        await upstream.Arrived;
        Assert.Contains("tenfold_gateway_in_flight{route=\"/api/**\",service=\"api\",instance=\"api-1\"} 1\n", await gateway.Client.GetStringAsync("/metrics"), StringComparison.Ordinal);
        upstream.Answer();
        await request;
        await gateway.UntilAsync(snapshot => snapshot.Total.Requests >= 2);
        Assert.Contains("tenfold_gateway_in_flight{route=\"/api/**\",service=\"api\",instance=\"api-1\"} 0\n", await gateway.Client.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_arrives_for_a_service_is_what_was_answered_what_is_in_flight_and_what_found_no_instance()
    {
        await using var upstream = new HeldUpstream("x");
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [new Route { Path = PathPattern.Parse("/api/**"), Service = "api" }] }, upstreams: upstream.EndPoint);
        var request = gateway.Client.GetStringAsync("/api/slow");
        await upstream.Arrived;
        var during = gateway.Server.TrafficOf("api");
        Assert.Equal((0L, 0L, 0L, 1L, 1L), (during.Answered, during.Served, during.Refused, during.InFlight, during.Arrived));
        Assert.Equal([new InstanceTraffic("api-1", InstanceState.Ready, 1, 1)], during.Instances);
        Assert.Equal([new("api-1", 1)], gateway.Server.InFlightOf("api"));
        upstream.Answer();
        await request;
        await gateway.UntilAsync(now => now.Total.Requests == 1);
        gateway.Server.Remove("api", "api-1");
        using var refused = await gateway.Client.GetAsync("/api/x");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        await gateway.UntilAsync(now => now.Total.Requests == 2);
        var after = gateway.Server.TrafficOf("api");
        Assert.Equal((1L, 1L, 1L, 0L, 2L), (after.Answered, after.Served, after.Refused, after.InFlight, after.Arrived)); // also of an instance that is gone
        Assert.Equal(1, after.Latency.Count);
    }

    [Fact]
    public async Task A_failure_and_a_client_that_went_away_were_answered_but_not_served()
    {
        var series = new Series();
        foreach (var status in (ReadOnlySpan<int>)[200, 304, 404, 429, 500, 503, 0])
        {
            series.Record(status, TimeSpan.Zero);
        }

        Assert.Equal((7L, 4L), (series.Requests, series.Served));
        Assert.Equal((7L, 4L), (series.Snapshot().Requests, series.Snapshot().Served));
        await using var upstream = RawUpstream.Answering(_ => "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var failed = await gateway.Client.GetAsync("/x");
        await gateway.UntilAsync(now => now.Total.Requests == 1);
        Assert.Equal((1L, 0L, 1L), (gateway.Server.TrafficOf("api").Answered, gateway.Server.TrafficOf("api").Served, gateway.Server.TrafficOf("api").Failed));
    }

    [Fact]
    public async Task A_route_that_claims_metrics_gets_it()
    {
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("mine"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        Assert.Equal("mine", await gateway.Client.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_what_to_do()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var server = new GatewayServer(new SystemGuide { System = "x", Gateway = new GatewaySection { Port = port } }, TimeProvider.System);
        var error = await Assert.ThrowsAsync<GatewayException>(() => server.StartAsync(CancellationToken.None));
        Assert.Contains($"Port {port}", error.Message, StringComparison.Ordinal);
        Assert.Contains("gateway.port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_lets_a_request_in_flight_finish_and_closes_idle_connections()
    {
        await using var upstream = new HeldUpstream("last");
        var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var busy = await gateway.ConnectAsync(); // first, so that it is told first
        using var idle = await gateway.ConnectAsync();
        await busy.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await upstream.Arrived;
        var stopping = gateway.Server.DisposeAsync().AsTask();
        Assert.Equal("", await idle.ReadToEndAsync());
        upstream.Answer();
        Assert.EndsWith("Connection: close\r\n\r\nlast", await busy.ReadToEndAsync(), StringComparison.Ordinal);
        await stopping.WaitAsync(TimeSpan.FromSeconds(10));
        await gateway.DisposeAsync();
    }
}
