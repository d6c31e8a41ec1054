using System.Net;
using Tenfold.Gateway.Metrics;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Host;

/// <summary>Makes the status of a host: what its parts say now, and rates over the last seconds. Thread-safe.</summary>
internal sealed class HostReporter : IDisposable
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    private readonly SystemHost _host;
    private readonly SampleHistory _samples = new();
    private readonly ITimer _timer;

    public HostReporter(SystemHost host)
    {
        _host = host;
        // So that a first status has something to compare with.
        _timer = host.Options.Time.CreateTimer(_ => Sample(), null, Idle, Idle);
    }

    public void Dispose() => _timer.Dispose();

    public SystemStatus Status()
    {
        var interval = Sample();
        var guide = _host.Options.Guide;
        return new SystemStatus
        {
            System = guide.System,
            State = _host.Phase,
            Pid = Environment.ProcessId,
            Since = _host.Since,
            StateFolder = _host.Options.State.Folder,
            Gateway = Entrance(interval),
            Services = [.. _host.Services.Select(service => Report(service, interval))],
            Stores = [.. (_host.Stores?.Status() ?? []).Select(store => Report(store, interval))],
            Notes = [.. _host.Notes],
        };
    }

    private SampleInterval Sample()
    {
        var processes = new Lazy<IReadOnlyList<ProcessRow>>(ProcessTable.All);
        var usage = new Dictionary<string, ResourceUsage>(StringComparer.Ordinal);
        foreach (var instance in _host.Services.SelectMany(service => service.Instances))
        {
            if (instance.Usage(processes) is { } used)
            {
                usage[Key(instance.Name, instance.Status.Pid)] = used;
            }
        }

        foreach (var store in _host.Stores?.Status() ?? [])
        {
            if (store.Pid is { } pid)
            {
                usage[Key(store.Name, pid)] = ResourceUsage.Of(ProcessTable.Tree(processes.Value, pid));
            }
        }

        return _samples.Add(new Sample(_host.Options.Time.GetUtcNow(), usage, _host.Gateway?.Snapshot()));
    }

    private GatewayStatus? Entrance(SampleInterval interval)
    {
        if (_host.Gateway is not { Port: > 0 } gateway)
        {
            return null;
        }

        var requests = interval.Requests(snapshot => snapshot.Total);
        return new GatewayStatus
        {
            Url = gateway.Url,
            RequestsPerSecond = interval.Rate(requests),
            P95Milliseconds = P95(requests),
            ErrorRate = requests is { Requests: > 0 } some ? (double)some.Errors / some.Requests : null,
            InFlight = interval.Now.Traffic?.Instances.Sum(instance => (long)instance.InFlight),
        };
    }

    private ServiceStatus Report(ServiceSupervisor service, SampleInterval interval)
    {
        var instances = service.Instances.Select(instance => Report(service.Name, instance.Status, interval)).ToArray();
        return new ServiceStatus
        {
            Name = service.Name,
            Min = service.Min,
            Max = service.Max,
            Wanted = service.Wanted,
            Scaling = _host.Scaling.StatusOf(service.Name),
            Ready = instances.Count(instance => instance.Ready),
            Instances = instances,
        };
    }

    private static InstanceReport Report(string service, InstanceStatus status, SampleInterval interval)
    {
        var key = Key(status.Name, status.Pid);
        var inGateway = interval.Now.Traffic?.Instances.FirstOrDefault(one => one.Service == service && one.Instance == status.Name);
        // Ready is what the gateway makes of it: its health checks may have taken it out since it was started.
        var word = status.State == InstanceState.Ready && inGateway is not null ? Word(inGateway.State) : Word(status.State);
        var requests = interval.Requests(snapshot => snapshot.Of(service, status.Name));
        return new InstanceReport
        {
            Name = status.Name,
            Ready = word == "ready",
            State = word,
            Pid = status.Pid,
            Address = status.EndPoint?.ToString(),
            Since = status.StartedAt,
            Restarts = status.Restarts,
            RequestsPerSecond = interval.Rate(requests),
            P95Milliseconds = P95(requests),
            Cpu = interval.Cores(key),
            MemoryBytes = interval.Memory(key),
            Note = status.Note ?? (word == "unhealthy" ? inGateway?.LastCheck?.Error ?? $"it answered {inGateway?.LastCheck?.Status}" : null),
        };
    }

    private static StoreReport Report(StoreStatus store, SampleInterval interval) => new()
    {
        Name = store.Name,
        Store = store.Store,
        Database = store.Database,
        Role = store.Role?.ToString().ToLowerInvariant(),
        Streams = store.Role == StoreRole.Replica ? store.Streams : null,
        Synchronous = store.Role == StoreRole.Replica ? store.Synchronous : null,
        LagBytes = store.LagBytes,
        LagMilliseconds = store.Lag?.TotalMilliseconds,
        Engine = store.Engine == Guide.StoreEngine.Postgres ? "postgres" : "redis",
        Ready = store.IsReady,
        State = store.Phase == StorePhase.CrashLoop ? "crash-loop" : store.Phase.ToString().ToLowerInvariant(),
        Pid = store.Pid,
        Address = new IPEndPoint(IPAddress.Loopback, store.Port).ToString(),
        Restarts = store.Restarts,
        Cpu = interval.Cores(Key(store.Name, store.Pid)),
        MemoryBytes = interval.Memory(Key(store.Name, store.Pid)),
        Note = store.Reason,
    };

    // With the process id: a new process starts counting at zero.
    private static string Key(string name, int? pid) => $"{name}/{pid}";

    private static double? P95(SeriesSnapshot? requests) => requests is { Requests: > 0 } some ? some.Latency.Percentile(95).TotalMilliseconds : null;

    private static string Word(InstanceState state) => state switch
    {
        InstanceState.Starting => "starting",
        InstanceState.Ready => "ready",
        InstanceState.Waiting => "waiting",
        InstanceState.CrashLoop => "crash-loop",
        InstanceState.Stopping => "stopping",
        _ => "stopped",
    };

    private static string Word(Gateway.InstanceState state) => state switch
    {
        Gateway.InstanceState.Ready => "ready",
        Gateway.InstanceState.Unhealthy => "unhealthy",
        Gateway.InstanceState.Ejected => "ejected",
        _ => "stopping",
    };
}
