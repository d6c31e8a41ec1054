using System.Net;
using Tenfold.Gateway.Metrics;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Support;

/// <summary>A gateway on a free port with one service <c>api</c> on every path, unless the test says otherwise.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private TestGateway(GatewayServer server)
    {
        Server = server;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}"), Timeout = TimeSpan.FromSeconds(30) };
    }

    public GatewayServer Server { get; }

    public HttpClient Client { get; }

    public int Port => Server.Port;

    public static Route Everything { get; } = new() { Path = PathPattern.Parse("/**"), Service = "api" };

    public static Guide.Health Health { get; } = new() { SlowStart = TimeSpan.Zero, Interval = TimeSpan.FromHours(1) };

    public static async Task<TestGateway> StartAsync(
        GatewaySection? section = null, TimeProvider? time = null, IReadOnlyList<Budget>? budgets = null, Guide.Health? health = null, string folder = ".",
        IReadOnlyDictionary<string, RateLimit>? rateLimits = null, params EndPoint[] upstreams)
    {
        section ??= new GatewaySection();
        var service = new Service { Project = ".", Health = health ?? Health };
        var server = new GatewayServer(
            new SystemGuide
            {
                System = "test",
                Folder = folder,
                Services = new Dictionary<string, Service> { ["api"] = service, ["other"] = service },
                Gateway = section with { Port = 0, Routes = section.Routes.Count > 0 ? section.Routes : [Everything] },
                Budgets = budgets ?? [],
                RateLimits = rateLimits ?? new Dictionary<string, RateLimit>(),
            },
            time ?? TimeProvider.System);
        await server.StartAsync(CancellationToken.None);
        for (var i = 0; i < upstreams.Length; i++)
        {
            server.Add(new Upstream("api", $"api-{i + 1}", upstreams[i]));
        }

        return new TestGateway(server);
    }

    public Task<RawPeer> ConnectAsync() => RawPeer.ConnectAsync(Port);

    /// <summary>Waits until the counts are so: a request is counted after its answer has gone, which the client may see first.</summary>
    public async Task<GatewaySnapshot> UntilAsync(Func<GatewaySnapshot, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var snapshot = Server.Snapshot();
            if (condition(snapshot))
            {
                return snapshot;
            }

            await Task.Delay(10, limit.Token);
        }
    }

    /// <summary>Sends bytes on a new connection and reads until the gateway closes it.</summary>
    public async Task<string> SendRawAsync(string bytes)
    {
        using var peer = await ConnectAsync();
        await peer.SendAsync(bytes);
        return await peer.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
