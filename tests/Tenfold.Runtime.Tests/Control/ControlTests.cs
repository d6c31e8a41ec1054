using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Control;

public sealed class ControlTests : IAsyncDisposable
{
    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token; // for each wait anew
    private readonly TemporaryFolder _folder = new();
    private readonly Target _target = new();
    private readonly SystemState _state;
    private readonly ControlClient _client;
    private ControlServer? _server;

    public ControlTests()
    {
        _state = SystemState.At(_folder["shop"], "shop");
        _state.Create();
        _client = new ControlClient(_state, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _client.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Status_and_metrics_come_over_a_socket_that_only_its_owner_may_open()
    {
        await StartAsync();
        var status = await _client.StatusAsync(Generous);
        Assert.Equal("up", status!.State);
        Assert.True(Assert.Single(Assert.Single(status.Services).Instances).Ready);
        Assert.Equal("requests 1\n", await _client.MetricsAsync(Generous));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_state.ControlSocket));
    }

    [Fact]
    public async Task An_operation_tells_its_steps()
    {
        await StartAsync();
        Assert.Equal(["restart of api-1", "done"], await AllAsync(_client.RestartAsync("api-1", Generous)));
        Assert.Equal(["restart of everything", "done"], await AllAsync(_client.RestartAsync(null, Generous)));
        Assert.Equal(["scale a&b=c to 3"], await AllAsync(_client.ScaleAsync("a&b=c", 3, Generous)));
        Assert.Equal(["scale api to what its rules say"], await AllAsync(_client.ScaleAsync("api", null, Generous)));
    }

    [Fact]
    public async Task Decisions_come_as_they_are_from_a_number_on()
    {
        await StartAsync();
        Assert.Equal([new ScalingDecision(8, DateTimeOffset.UnixEpoch, "web", 2, 4, 5, Tenfold.Scaling.ScalingLimit.Max, "cpu at 91% of 70%")], await _client.DecisionsAsync(7, "web", Generous));
        Assert.Equal("api", Assert.Single((await _client.DecisionsAsync(0, null, Generous))!).Service);
    }

    [Fact]
    public async Task A_failure_arrives_as_what_it_was_after_the_steps_before_it()
    {
        await StartAsync();
        var steps = new List<string>();
        var error = await Assert.ThrowsAsync<RuntimeException>(async () =>
        {
            await foreach (var step in _client.ScaleAsync("api", 99, Generous))
            {
                steps.Add(step);
            }
        });
        Assert.Equal(RuntimeFailure.Guide, error.Failure);
        Assert.Equal("99 is too many", error.Message);
        Assert.Equal(["scale api to 99"], steps);
    }

    [Fact]
    public async Task Stop_is_passed_on()
    {
        await StartAsync();
        Assert.True(await _client.StopAsync(Generous));
        Assert.True(_target.StopRequested);
    }

    [Fact]
    public async Task Without_a_host_there_is_no_status_and_operations_say_what_to_do()
    {
        Assert.Null(await _client.StatusAsync(Generous));
        Assert.False(await _client.StopAsync(Generous));
        var error = await Assert.ThrowsAsync<RuntimeException>(() => AllAsync(_client.RestartAsync(null, Generous)));
        Assert.Equal("shop is not up; start it with: tenfold up shop", error.Message);
    }

    [Fact]
    public async Task A_stale_socket_file_is_replaced()
    {
        await File.WriteAllTextAsync(_state.ControlSocket, "left by a crash");
        await StartAsync();
        Assert.NotNull(await _client.StatusAsync(Generous));
    }

    private static async Task<List<string>> AllAsync(IAsyncEnumerable<string> steps)
    {
        var all = new List<string>();
        await foreach (var step in steps)
        {
            all.Add(step);
        }

        return all;
    }

    private async Task StartAsync() => _server = await ControlServer.StartAsync(_state.ControlSocket, _target, Generous);

    [Fact]
    public async Task Databases_are_told_and_grown()
    {
        await using var temporary = new TemporaryState();
        await using var server = await ControlServer.StartAsync(temporary.State.ControlSocket, new Target(), default);
        using var client = new ControlClient(temporary.State, TimeProvider.System);
        Assert.Equal(new Target().Databases(), await client.DatabasesAsync(default));
        var launch = await client.LaunchAsync("api", default);
        Assert.Equal(("/srv", "secret"), (launch.WorkingDirectory, launch.Environment["KEY"]));
        Assert.Equal(["api"], launch.Program);
        await Assert.ThrowsAsync<RuntimeException>(() => client.LaunchAsync("nope", default));
        Assert.Equal(["main_1 is ready", "main_2 is ready"], await client.GrowAsync("main", 3, default).ToListAsync());
    }

    private sealed class Target : IControlTarget
    {
        public bool StopRequested { get; private set; }

        public SystemStatus Status() => new()
        {
            System = "shop",
            State = "up",
            StateFolder = "/state/shop",
            Services = [new ServiceStatus { Name = "api", Min = 1, Max = 2, Wanted = 1, Ready = 1, Instances = [new InstanceReport { Name = "api-1", Ready = true, State = "ready" }] }],
        };

        public async Task RestartAsync(string? serviceOrInstance, Action<string> report)
        {
            report($"restart of {serviceOrInstance ?? "everything"}");
            await Task.Yield();
            report("done");
        }

        public IReadOnlyList<ScalingDecision> Decisions(long after, string? service) =>
            [new(after + 1, DateTimeOffset.UnixEpoch, service ?? "api", 2, 4, 5, Tenfold.Scaling.ScalingLimit.Max, "cpu at 91% of 70%")];

        public Task ScaleAsync(string service, int? count, Action<string> report)
        {
            report($"scale {service} to {count?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "what its rules say"}");
            return count > 10 ? throw new RuntimeException(RuntimeFailure.Guide, $"{count} is too many") : Task.CompletedTask;
        }

        public IReadOnlyList<Tenfold.Runtime.Stores.DatabaseAccess> Databases() =>
            [new() { Store = "main", Number = 1, Name = "main_1", ConnectionString = "Host=a", AdminConnectionString = "Host=b" }];

        public ServiceLaunch Launch(string service) => service == "api"
            ? new() { Program = [service], WorkingDirectory = "/srv", Environment = new Dictionary<string, string> { ["KEY"] = "secret" } }
            : throw new RuntimeException(RuntimeFailure.Guide, "there is none");

        public Task GrowAsync(string store, int shards, Action<string> report)
        {
            for (var number = 1; number < shards; number++)
            {
                report($"{store}_{number} is ready");
            }

            return Task.CompletedTask;
        }

        public void RequestStop() => StopRequested = true;

        public Task WriteMetricsAsync(Stream stream, CancellationToken cancel) => stream.WriteAsync("requests 1\n"u8.ToArray(), cancel).AsTask();
    }
}
