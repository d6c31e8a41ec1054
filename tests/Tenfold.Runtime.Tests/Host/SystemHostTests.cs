using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tenfold.Gateway;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Host;

/// <summary>A whole system in this process: gateway, supervisor, control socket, and a small Node server as its service.</summary>
public sealed class SystemHostTests : IAsyncDisposable
{
    private const string Server = """
        const http = require('http');
        if (process.env.MODE === 'crash') { console.log('cannot find the config'); process.exit(7); }
        const server = http.createServer((request, response) => setTimeout(() => response.end(process.env.TENFOLD_INSTANCE), request.url === '/health' ? 0 : 20));
        server.listen(process.env.PORT, '127.0.0.1');
        process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
        """;

    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token; // for each wait anew
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<HostEvent> _events = [];
    private readonly List<SystemHost> _hosts = [];

    public SystemHostTests() => _folder.Write("server.js", Server);

    private SystemState State => SystemState.At(_folder["state"], "shop");

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task A_system_comes_up_answers_and_leaves_nothing()
    {
        var host = Host(Shop());
        await host.StartAsync(Generous);
        var status = host.Status();
        Assert.Equal("up", status.State);
        Assert.Equal(["api-1", "api-2"], status.Services[0].Instances.Where(one => one.Ready).Select(one => one.Name));
        using (var client = Client(host))
        {
            Assert.StartsWith("api-", await client.GetStringAsync("/x", Generous), StringComparison.Ordinal);
        }

        var pids = status.Services[0].Instances.Select(one => one.Pid!.Value).ToArray();
        await host.StopAsync(default);
        Assert.All(pids, pid => Assert.Null(ProcessIdentity.Of(pid)));
        Assert.Null(HostLock.Owner(State));
        Assert.False(File.Exists(State.ControlSocket));
    }

    [Fact]
    public async Task Requests_see_nothing_of_a_restart_a_kill_and_a_scaling()
    {
        var host = Host(Shop());
        await host.StartAsync(Generous);
        using var control = new ControlClient(State, TimeProvider.System);
        using var client = Client(host);
        using var over = new CancellationTokenSource();
        var answers = new ConcurrentQueue<string>();
        var load = Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                answers.Enqueue(await client.GetStringAsync("/x", Generous));
            }
        }).ToArray();

        Assert.Equal(["api-3 is ready", "api-1 has left", "api-1 is ready", "api-2 has left"], await AllAsync(control.RestartAsync("api", Generous)));
        var victim = host.Status().Services[0].Instances[0];
        Assert.True(ProcessIdentity.Of(victim.Pid!.Value)!.Signal(Signal.Kill));
        while (host.Status().Services[0].Instances.All(one => one.Restarts == 0 || !one.Ready))
        {
            await Task.Delay(20, Generous);
        }

        await AllAsync(control.ScaleAsync("api", 4, Generous));
        await AllAsync(control.ScaleAsync("api", 2, Generous));
        await over.CancelAsync();
        await Task.WhenAll(load); // throws what any request met
        Assert.Equal(2, host.Status().Services[0].Ready);
        Assert.True(answers.Count > 100, $"only {answers.Count} requests");
        Assert.Contains("api-3", answers);
    }

    [Fact]
    public async Task A_port_in_use_fails_before_anything_is_started()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var host = Host(Shop() with { Gateway = Entrance(port) });
        var error = await Assert.ThrowsAsync<GatewayException>(() => host.StartAsync(Generous));
        Assert.Contains(port.ToString(CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
        Assert.Null(HostLock.Owner(State));
        Assert.Empty(Directory.GetFiles(State.Run));
    }

    [Fact]
    public async Task A_service_that_crashes_fails_the_start_with_its_last_lines_and_stops_the_rest()
    {
        var crash = Api with { Environment = new Dictionary<string, string> { ["MODE"] = "crash" } };
        var host = Host(Shop() with { Services = new Dictionary<string, Service> { ["api"] = Api, ["worker"] = crash } });
        var error = await Assert.ThrowsAsync<RuntimeException>(() => host.StartAsync(Generous));
        Assert.Contains(" does not become ready: it is in a crash loop", error.Message, StringComparison.Ordinal);
        Assert.Contains("cannot find the config", error.Message, StringComparison.Ordinal);
        Assert.Null(HostLock.Owner(State));
        Assert.Empty(Directory.GetFiles(State.Run));
    }

    [Fact]
    public async Task Only_one_host_runs_a_system()
    {
        await Host(Shop()).StartAsync(Generous);
        var error = await Assert.ThrowsAsync<RuntimeException>(() => Host(Shop()).StartAsync(Generous));
        Assert.Equal(RuntimeFailure.Guide, error.Failure);
        Assert.Contains("already up", error.Message, StringComparison.Ordinal);
        using var control = new ControlClient(State, TimeProvider.System);
        Assert.Equal("up", (await control.StatusAsync(Generous))!.State); // the first one is not disturbed
    }

    [Fact]
    public async Task What_a_killed_host_left_is_ended_by_the_next_one()
    {
        State.Create();
        var left = ChildProcess.Start(
            new ProcessSpec { Name = "api-1", FileName = "sleep", Arguments = ["1000"], WorkingDirectory = _folder.Path }, State, _ => { }, TimeProvider.System);
        var host = Host(Shop());
        await host.StartAsync(Generous);
        await left.Exited.WaitAsync(Generous);
        Assert.Contains(_events, one => one.Kind == HostEventKind.Note && one.Text.StartsWith("the last host was killed; ended what it left: api-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_seed_runs_once_and_one_that_failed_runs_again()
    {
        var seed = Api with { Seed = ["sh", "-c", "echo seeding; echo x >> seeded; test -e ready-for-seed"] };
        var shop = Shop() with { Services = new Dictionary<string, Service> { ["api"] = seed } };
        var error = await Assert.ThrowsAsync<RuntimeException>(() => Host(shop).StartAsync(Generous));
        Assert.Contains("the seed of api exited with code 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("seeding", error.Message, StringComparison.Ordinal);

        _folder.Write("ready-for-seed", "");
        for (var i = 0; i < 2; i++)
        {
            var host = Host(shop);
            await host.StartAsync(Generous);
            await host.StopAsync(default);
        }

        Assert.Equal(2, File.ReadAllLines(_folder["seeded"]).Length);
    }

    [Fact]
    public async Task A_stop_that_comes_while_it_starts_stops_it()
    {
        var never = Api with { Health = new Health { Path = "/x", Timeout = TimeSpan.FromMilliseconds(1) } };
        var host = Host(Shop() with { Services = new Dictionary<string, Service> { ["api"] = never } });
        var starting = host.StartAsync(Generous);
        using var control = new ControlClient(State, TimeProvider.System);
        while (await control.StatusAsync(Generous) is null)
        {
            await Task.Delay(20, Generous);
        }

        // Nothing could be restarted yet: to say nothing would pass for success.
        var error = await Assert.ThrowsAsync<RuntimeException>(() => AllAsync(control.RestartAsync(null, Generous)));
        Assert.Contains("shop is starting; wait until it is up", error.Message, StringComparison.Ordinal);
        while (!await control.StopAsync(Generous))
        {
            await Task.Delay(20, Generous);
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        Assert.Null(HostLock.Owner(State));
    }

    private static Service Api => new() { Command = ["node", "server.js"], Scale = new Scale { Min = 2, Max = 4 }, Drain = TimeSpan.FromSeconds(10) };

    private static GatewaySection Entrance(int port) => new() { Port = port, Routes = [new Route { Path = PathPattern.Parse("/**"), Service = "api" }] };

    private SystemGuide Shop() => new()
    {
        System = "shop",
        Folder = _folder.Path,
        Services = new Dictionary<string, Service> { ["api"] = Api },
        Gateway = Entrance(0),
    };

    private static HttpClient Client(SystemHost host) => new() { BaseAddress = new Uri(host.Status().Gateway!.Url) };

    private static async Task<List<string>> AllAsync(IAsyncEnumerable<string> steps)
    {
        var all = new List<string>();
        await foreach (var step in steps)
        {
            all.Add(step);
        }

        return all;
    }

    private SystemHost Host(SystemGuide guide)
    {
        var host = new SystemHost(new HostOptions { Guide = guide, GuideFile = _folder["tenfold.yaml"], State = State, Report = _events.Enqueue });
        _hosts.Add(host);
        return host;
    }
}
