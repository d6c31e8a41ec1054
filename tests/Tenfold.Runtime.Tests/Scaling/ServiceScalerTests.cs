using Tenfold.Gateway.Metrics;
using Tenfold.Guide;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.Tests.Instances;
using Tenfold.Scaling;
using Tenfold.Wire.Latency;

namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>The loop around the rules, with real processes; what the gateway would count is made up.</summary>
public sealed class ServiceScalerTests : SupervisedTests
{
    private static readonly Scale Rules = new()
    {
        Min = 1,
        Max = 4,
        Metrics = [new ScaleMetric { Metric = ScalingMetric.RequestsPerSecond, Target = new ScaleTarget(10, ScaleUnit.Count) }],
        In = new ScaleRate { Window = TimeSpan.Zero },
    };

    private readonly SteppingTime _time = new();
    private readonly CancellationTokenSource _over = new();
    private volatile Func<ServiceTraffic?> _traffic = () => null;
    private Task _running = Task.CompletedTask;
    private DecisionLog? _log;
    private volatile Func<Room?> _room = () => null;

    [Fact]
    public async Task A_clock_that_is_set_back_by_an_hour_changes_nothing()
    {
        var (api, scaler) = await StartAsync();
        Busy(api);
        await UntilAsync(() => api.Wanted == 4 && Ready(api) == 4);
        _time.Step = TimeSpan.FromHours(-1);
        Idle(api);
        await UntilAsync(() => api.Wanted == 1);
        _time.Step = TimeSpan.FromHours(5);
        Busy(api);
        await UntilAsync(() => api.Wanted == 4);
        Assert.Equal(0, scaler.Faults);
    }

    [Fact]
    public async Task Nothing_is_removed_while_the_gateway_does_not_tell()
    {
        var (api, scaler) = await StartAsync();
        Busy(api);
        await UntilAsync(() => Ready(api) == 4);
        _traffic = () => null;
        await UntilAsync(() => scaler.Status.Limit == ScalingLimit.MissingData);
        Assert.Equal(4, api.Wanted);
        Idle(api);
        await UntilAsync(() => api.Wanted == 1);
    }

    [Fact]
    public async Task A_fault_leaves_the_instances_as_they_are_is_told_once_and_it_goes_on()
    {
        var (api, scaler) = await StartAsync();
        Busy(api);
        _room = () => throw new InvalidOperationException("no such file");
        await UntilAsync(() => scaler.Faults >= 2);
        Assert.Equal(1, api.Wanted);
        Assert.Equal(["the autoscaler of api failed, the instances stay as they are and it goes on: no such file"], Notes.All);
        _room = () => null;
        await UntilAsync(() => api.Wanted == 4);
    }

    [Fact]
    public async Task It_grows_no_further_than_the_machine_has_room_for_and_says_why()
    {
        var (api, scaler) = await StartAsync();
        _room = () => new Room(2, "512 MiB of memory an instance, 100 MiB of 1.0 GiB free");
        Busy(api);
        await UntilAsync(() => api.Wanted == 2 && scaler.Status is { Limit: ScalingLimit.Machine });
        Assert.EndsWith("(no room: 512 MiB of memory an instance, 100 MiB of 1.0 GiB free)", scaler.Status.Now, StringComparison.Ordinal);
    }

    public override async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }

        await base.DisposeAsync();
        _over.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task<(ServiceSupervisor Api, ServiceScaler Scaler)> StartAsync()
    {
        var api = Supervise(new Service { Scale = Rules }, time: _time);
        await api.StartAsync(Generous);
        Idle(api);
        _log = new DecisionLog(State);
        var sampler = new ServiceSampler(api, () => _traffic(), () => [], routed: true, _time);
        var scaler = new ServiceScaler(api, Rules, sampler, new Surroundings { Record = _log.Add, Note = Notes.Add, Room = _ => _room() }, _time);
        _running = Task.Run(() => scaler.RunAsync(_over.Token));
        return (api, scaler);
    }

    private void Busy(ServiceSupervisor api) => Serve(api, perSecond: 1000);

    private void Idle(ServiceSupervisor api) => Serve(api, perSecond: 0);

    /// <summary>From now on so many requests are answered, shared by the instances that are ready.</summary>
    private void Serve(ServiceSupervisor api, double perSecond)
    {
        var before = _traffic()?.Answered ?? 0;
        var start = _time.GetTimestamp();
        _traffic = () =>
        {
            var total = before + (long)(perSecond * _time.GetElapsedTime(start).TotalSeconds);
            var ready = api.Instances.Where(instance => instance.Status.State == InstanceState.Ready && !api.IsLeaving(instance)).ToList();
            return new ServiceTraffic(
                total, total, 0, 0, 0, LatencySnapshot.Empty, [.. ready.Select(instance => new InstanceTraffic(instance.Name, Gateway.InstanceState.Ready, total / ready.Count, 0))]);
        };
    }

    private static int Ready(ServiceSupervisor api) => api.Instances.Count(instance => instance.Status.State == InstanceState.Ready);

    private static Task UntilAsync(Func<bool> condition) => DeclaredNumberTests.UntilAsync(condition);

    /// <summary>This machine's clock, whose time of day can be set.</summary>
    private sealed class SteppingTime : TimeProvider
    {
        private long _step;

        public TimeSpan Step
        {
            set => Volatile.Write(ref _step, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _step));
    }
}
