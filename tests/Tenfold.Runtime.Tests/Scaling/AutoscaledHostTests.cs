using System.Text.Json;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>A whole system in this process whose small Node server is scaled by its rules.</summary>
public sealed class AutoscaledHostTests : IAsyncDisposable
{
    private const string Server = """
        const http = require('http');
        const server = http.createServer((request, response) => setTimeout(() => response.end(process.env.TENFOLD_INSTANCE), request.url === '/health' ? 0 : 20));
        server.listen(process.env.PORT, '127.0.0.1');
        process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
        """;

    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token; // for each wait anew
    private readonly TemporaryFolder _folder = new();
    private readonly List<SystemHost> _hosts = [];

    public AutoscaledHostTests() => _folder.Write("server.js", Server);

    private SystemState State => SystemState.At(_folder["state/shop"], "shop");

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task Instances_come_and_go_with_the_load_and_no_request_sees_it_even_when_one_is_killed()
    {
        var host = await StartAsync();
        using var control = new ControlClient(State, TimeProvider.System);
        await using (var load = new Load(host.Status().Gateway!.Url))
        {
            await UntilAsync(host, service => service.Ready == 4);
            Assert.True(ProcessIdentity.Of(Service(host).Instances[0].Pid!.Value)!.Signal(Signal.Kill));
            await UntilAsync(host, service => service.Instances[0].Restarts == 1 && service.Ready == 4);
            await load.EndAsync(); // throws what any request met
        }

        await UntilAsync(host, service => service is { Wanted: 1, Ready: 1, Instances.Count: 1 });
        var decisions = await control.DecisionsAsync(0, "api", Generous);
        var changes = decisions!.Where(one => one.From != one.To).ToList();
        Assert.Contains(changes, one => one.Direction == "out" && one.Reason.Contains("requests", StringComparison.Ordinal));
        Assert.Equal((4, 1), (changes.Max(one => one.To), changes[^1].To));
        Assert.Equal(Service(host).Scaling!.Change, changes[^1]);
        var metrics = await control.MetricsAsync(Generous);
        Assert.Contains("tenfold_scaling_wanted{service=\"api\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_scaling_instances{service=\"api\",phase=\"ready\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_scaling_decisions_total{service=\"api\",direction=\"in\",limit=\"", metrics, StringComparison.Ordinal);
        await host.StopAsync(default);
        Assert.Equal(decisions, DecisionLog.Read(State).Take(decisions!.Count)); // also of a system that is down
        Assert.Empty(Directory.GetFiles(State.Run));
    }

    [Fact]
    public async Task A_number_that_was_set_by_hand_stays_until_the_rules_are_let_again()
    {
        var host = await StartAsync();
        using var control = new ControlClient(State, TimeProvider.System);
        await control.ScaleAsync("api", 3, Generous).ToListAsync(Generous);
        var pinned = Service(host);
        Assert.Equal((3, 3, 3), (pinned.Wanted, pinned.Ready, pinned.Scaling!.Pinned));
        // Without a load its rules want one; what they are asked for says that it is pinned.
        await UntilAsync(host, service => service.Scaling!.Limit == ScalingLimit.Pin && service.Scaling.Now!.EndsWith("pinned at 3 by hand", StringComparison.Ordinal));
        Assert.Equal(3, Service(host).Wanted);
        Assert.Equal(["api is scaled by its rules"], await control.ScaleAsync("api", null, Generous).ToListAsync(Generous));
        await UntilAsync(host, service => service is { Wanted: 1, Ready: 1, Scaling.Pinned: null });
        Assert.Equal(["pinned at 3 by hand", "no longer pinned: its rules decide again"], (await control.DecisionsAsync(0, "api", Generous))!.Select(one => one.Reason).Where(reason => reason.Contains("pinned", StringComparison.Ordinal)));
        var error = await Assert.ThrowsAsync<RuntimeException>(async () => await control.ScaleAsync("api", 9, Generous).ToListAsync(Generous));
        Assert.Contains("min 1, max 4", error.Message, StringComparison.Ordinal);
        Assert.Null(Service(host).Scaling!.Pinned); // what was refused pins nothing
    }

    [Fact]
    public async Task A_service_without_rules_has_none_to_go_back_to()
    {
        var host = await StartAsync(new Scale { Min = 1, Max = 4 });
        using var control = new ControlClient(State, TimeProvider.System);
        await control.ScaleAsync("api", 2, Generous).ToListAsync(Generous);
        Assert.Null(Service(host).Scaling);
        Assert.Equal(1000, Claimed()); // other systems know at once
        await control.ScaleAsync("api", 1, Generous).ToListAsync(Generous);
        Assert.Equal(500, Claimed());
        var error = await Assert.ThrowsAsync<RuntimeException>(async () => await control.ScaleAsync("api", null, Generous).ToListAsync(Generous));
        Assert.StartsWith("api has no rules to scale by", error.Message, StringComparison.Ordinal);
    }

    private async Task<SystemHost> StartAsync(Scale? scale = null)
    {
        var guide = new SystemGuide
        {
            System = "shop",
            Folder = _folder.Path,
            Services = new Dictionary<string, Service>
            {
                ["api"] = new()
                {
                    Command = ["node", "server.js"],
                    Instance = new InstanceSize { Cpu = scale is null ? null : new Cpu(500) },
                    Drain = TimeSpan.FromSeconds(10),
                    Scale = scale ?? new Scale
                    {
                        Min = 1,
                        Max = 4,
                        Metrics = [new ScaleMetric { Metric = ScalingMetric.RequestsPerSecond, Target = new ScaleTarget(10, ScaleUnit.Count) }],
                        In = new ScaleRate { Window = TimeSpan.FromSeconds(1) },
                    },
                },
            },
            Gateway = new GatewaySection { Port = 0, Routes = [new Route { Path = PathPattern.Parse("/**"), Service = "api" }] },
        };
        var host = new SystemHost(new HostOptions { Guide = guide, GuideFile = _folder["tenfold.yaml"], State = State, Report = _ => { } });
        _hosts.Add(host);
        await host.StartAsync(Generous);
        return host;
    }

    private long Claimed() => JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(State.Run, "claim.json")), ControlJson.Default.Claim)!.Millicores;

    private static ServiceStatus Service(SystemHost host) => host.Status().Services[0];

    private static async Task UntilAsync(SystemHost host, Func<ServiceStatus, bool> condition)
    {
        var limit = Generous;
        while (!condition(Service(host)))
        {
            await Task.Delay(50, limit);
        }
    }

    /// <summary>Requests without a pause of more than 50 ms, until it is ended.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly HttpClient _client;
        private readonly CancellationTokenSource _over = new();
        private readonly Task[] _users;

        public Load(string url)
        {
            _client = new HttpClient { BaseAddress = new Uri(url) };
            _users = [.. Enumerable.Range(0, 8).Select(_ => RunAsync())];
        }

        public async Task EndAsync()
        {
            await _over.CancelAsync();
            await Task.WhenAll(_users);
        }

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await Task.WhenAll(_users).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _client.Dispose();
            _over.Dispose();
        }

        private async Task RunAsync()
        {
            while (!_over.IsCancellationRequested)
            {
                await _client.GetStringAsync("/x", Generous);
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }
}
