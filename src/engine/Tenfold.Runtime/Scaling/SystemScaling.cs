using System.Buffers;
using System.Collections.Concurrent;
using Tenfold.Gateway;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Scaling;

/// <summary>The autoscaler of a system: a loop for each service with rules, what they share, and what is shown of them. Thread-safe.</summary>
internal sealed class SystemScaling : IAsyncDisposable
{
    private readonly SystemGuide _guide;
    private readonly SystemState _state;
    private readonly TimeProvider _time;
    private readonly Action<string> _note;
    private readonly Func<Machine> _machine;
    private readonly ConcurrentDictionary<string, ServiceScaler> _scalers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ServiceSupervisor> _services = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<ReplicaScaler> _replicas = [];
    private readonly ScalingMetrics _metrics = new();
    private readonly SemaphoreSlim _growing = new(1);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _running = [];
    private Claim? _claimed;

    /// <param name="guide">The system.</param>
    /// <param name="state">Its state folder.</param>
    /// <param name="time">Clock.</param>
    /// <param name="note">Told what goes wrong.</param>
    /// <param name="machine">What this machine has; looked at when not given.</param>
    public SystemScaling(SystemGuide guide, SystemState state, TimeProvider time, Action<string> note, Func<Machine>? machine = null)
    {
        (_guide, _state, _time, _note, _machine) = (guide, state, time, note, machine ?? Machine.Look);
        Log = new Lazy<DecisionLog>(() => new DecisionLog(state));
    }

    /// <summary>What was decided.</summary>
    public Lazy<DecisionLog> Log { get; }

    /// <summary>How the rules of a service stand; null: it has none.</summary>
    public ScalingStatus? StatusOf(string service) => _scalers.GetValueOrDefault(service)?.Status;

    /// <summary>Begins to decide; every service has its first instances by now.</summary>
    public void Start(IEnumerable<ServiceSupervisor> services, GatewayServer gateway, Func<IReadOnlyList<DatabaseAccess>> databases)
    {
        foreach (var service in services)
        {
            _services[service.Name] = service;
        }

        Claim();
        _ = Log.Value; // reads its file, for which no decision shall wait
        foreach (var service in _services.Values.Where(service => _guide.Services[service.Name].Scale.IsAutomatic))
        {
            var scale = _guide.Services[service.Name].Scale;
            var queues = QueueWatch.For(_guide, service, databases, _time);
            var sampler = new ServiceSampler(service, () => gateway.TrafficOf(service.Name), () => gateway.InFlightOf(service.Name), IsRouted(service.Name), _time);
            var scaler = new ServiceScaler(
                service,
                scale,
                sampler,
                new Surroundings { Queues = () => queues?.Latest() ?? QueueWatch.None, Room = RoomOf, GrowAsync = GrowAsync, Claim = Claim, Record = Record, Note = _note },
                _time,
                _guide.Queues);
            _scalers[service.Name] = scaler;
            Run(scaler.RunAsync);
            if (queues is not null)
            {
                Run(queues.RunAsync);
            }
        }
    }

    /// <summary>Begins to decide for databases whose replicas may change; those that it knows are left as they are.</summary>
    public void Start(IReadOnlyList<PostgresDatabase> databases)
    {
        foreach (var database in databases.Where(database => database.Plan.Settings.Scale!.Rules.IsAutomatic && _replicas.All(one => one.Name != database.Name)))
        {
            var scaler = new ReplicaScaler(database, Record, _note, _time);
            _replicas.Add(scaler);
            Run(scaler.RunAsync);
        }
    }

    /// <summary>Somebody has set the number of a store's replicas by hand; null: its rules decide again.</summary>
    /// <exception cref="RuntimeException">It is to be decided by rules, and has none.</exception>
    /// <param name="store">The store.</param>
    /// <param name="count">The number that it was set to.</param>
    /// <param name="from">The number before.</param>
    public void PinReplicas(string store, int? count, int from)
    {
        var its = _replicas.Where(scaler => scaler.Store == store).ToList();
        if (count is null && its.Count == 0)
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{store} has no rules to scale by; write them under stores.{store}.scale, or give a number");
        }

        its.ForEach(scaler => scaler.Pin(count, from));
    }

    /// <summary>Somebody has set a service's number by hand.</summary>
    public void Pin(string service, int count, int from) => _scalers.GetValueOrDefault(service)?.Pin(count, from);

    /// <summary>Its rules decide again.</summary>
    /// <exception cref="RuntimeException">It has none.</exception>
    public void Unpin(string service, int count) =>
        (_scalers.GetValueOrDefault(service) ?? throw new RuntimeException(
            RuntimeFailure.Guide, $"{service} has no rules to scale by; write them under services.{service}.scale, or give a number")).Pin(null, count);

    /// <summary>Prometheus text.</summary>
    public void WriteMetrics(IBufferWriter<byte> output) =>
        _metrics.Write(output, _services.Values.OrderBy(service => service.Name, StringComparer.Ordinal), _scalers);

    /// <summary>Decides no more. May be called twice, and before the start.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        Task[] running;
        lock (_lock)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Scaling.Claim.Remove(_state);
        if (Log.IsValueCreated)
        {
            await Log.Value.DisposeAsync();
        }
    }

    private void Run(Func<CancellationToken, Task> run)
    {
        lock (_lock)
        {
            _running.Add(Task.Run(() => run(_ending.Token)));
        }
    }

    private bool IsRouted(string service) => _guide.Gateway.Routes.Any(route => route.Service == service || route.Services?.ContainsKey(service) == true);

    private ScalingDecision Record(string service, Tenfold.Scaling.Decision decision)
    {
        var recorded = Log.Value.Add(service, decision);
        _metrics.Count(recorded);
        return recorded;
    }

    // Those that drain use what they were promised until they are gone.
    private static int CountOf(ServiceSupervisor service) => Math.Max(service.Wanted, service.Instances.Count);

    private Claim Promised(ServiceSupervisor? without = null) =>
        _services.Values.Where(service => service != without).Aggregate(Scaling.Claim.OfStores(_guide), (sum, service) => sum.Plus(Scaling.Claim.Of(service.Size, CountOf(service))));

    private Room? RoomOf(ServiceSupervisor service)
    {
        var there = service.Wanted;
        var leaving = Scaling.Claim.Of(service.Size, CountOf(service) - there);
        var starting = _services.Values.Sum(one => (one.Size.Memory?.Bytes ?? 0) * one.Instances.Count(instance => instance.Status.State is Instances.InstanceState.Starting));
        return MachineRoom.Of(_machine(), service.Size, there, starting, Promised(without: service).Plus(leaving), Scaling.Claim.OfOthers(_state));
    }

    private async Task<IAsyncDisposable?> GrowAsync(CancellationToken cancel)
    {
        await _growing.WaitAsync(cancel);
        try
        {
            return new Growing(_growing, await MachineLock.TakeAsync(_state, _time, cancel));
        }
        catch
        {
            _growing.Release();
            throw;
        }
    }

    /// <summary>Tells other systems what this one was promised by now; writes nothing when that is what it was.</summary>
    public void Claim()
    {
        lock (_lock)
        {
            var now = Promised();
            if (now == _claimed || _ending.IsCancellationRequested)
            {
                return;
            }

            try
            {
                now.Write(_state);
                _claimed = now;
            }
            catch (RuntimeException)
            {
                // A full disk: other systems go by what they can see of the memory.
            }
        }
    }

    private sealed class Growing(SemaphoreSlim growing, FileStream? others) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (others is not null)
            {
                await others.DisposeAsync();
            }

            growing.Release();
        }
    }
}
