using Tenfold.Gateway.Metrics;
using Tenfold.Guide;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;
using Tenfold.Scaling;
using Tenfold.Wire.Latency;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Looks at one service: counters that only grow, as differences since the last look. What was not seen is null, never a guess.
/// Ages and rates are by the clock that never jumps. Not thread-safe.
/// </summary>
internal sealed class ServiceSampler
{
    private readonly ServiceSupervisor _service;
    private readonly Func<ServiceTraffic?> _traffic;
    private readonly bool _routed;
    private readonly TimeProvider _time;
    private readonly InFlightMeter _inFlight;
    private readonly LatencyWindow _latencies;
    private Dictionary<(string Name, long? Started), (TimeSpan Cpu, long At, long Begun)> _before = [];
    private ServiceTraffic? _trafficBefore;
    private long _at;

    /// <param name="service">The service.</param>
    /// <param name="traffic">What the gateway has counted of it; null where that is not known.</param>
    /// <param name="inFlight">Requests in flight by instance.</param>
    /// <param name="routed">Whether a route leads to it.</param>
    /// <param name="time">Clock.</param>
    public ServiceSampler(ServiceSupervisor service, Func<ServiceTraffic?> traffic, Func<IReadOnlyList<KeyValuePair<string, int>>> inFlight, bool routed, TimeProvider time)
    {
        (_service, _traffic, _routed, _time) = (service, traffic, routed, time);
        _inFlight = new InFlightMeter(inFlight);
        _at = time.GetTimestamp();
        _latencies = new LatencyWindow(time);
        _trafficBefore = traffic();
        if (_trafficBefore is { } first)
        {
            _latencies.Add(first.Latency);
        }
    }

    /// <summary>Time since the last sample.</summary>
    public TimeSpan Elapsed => _time.GetElapsedTime(_at);

    /// <summary>To be called every 100 ms or so, for averages of what is in flight.</summary>
    public void Look()
    {
        if (_routed)
        {
            _inFlight.Look();
        }
    }

    /// <summary>The service since the last call; room, pin and queues are for the caller to add.</summary>
    public Snapshot Take()
    {
        var traffic = _traffic();
        var now = _time.GetTimestamp();
        var over = _time.GetElapsedTime(_at, now);
        var inFlight = _inFlight.Take();
        var answered = traffic is null ? null : _latencies.Add(traffic.Latency);
        var instances = _service.Instances;
        var seen = new Dictionary<(string, long?), (TimeSpan, long, long)>(instances.Count);
        var processes = new Lazy<IReadOnlyList<ProcessRow>>(ProcessTable.All);
        var samples = new InstanceSample[instances.Count];
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = Sample(instances[i], traffic, inFlight, over, processes, seen);
        }

        var snapshot = new Snapshot
        {
            Now = _time.GetElapsedTime(0, now),
            At = _time.GetUtcNow(),
            Over = over,
            Count = _service.Wanted,
            Instances = samples,
            Traffic = _routed && traffic is not null && _trafficBefore is { } before ? Traffic(before, traffic, answered, inFlight, over) : null,
            StartTime = _service.StartTimes.P90,
        };
        (_before, _trafficBefore, _at) = (seen, traffic, now);
        return snapshot;
    }

    /// <summary>What arrived and waited between two looks, and how long answers took lately.</summary>
    private static TrafficSample? Traffic(ServiceTraffic before, ServiceTraffic now, LatencySnapshot? answered, IReadOnlyDictionary<string, double> inFlight, TimeSpan over)
    {
        if (over <= TimeSpan.Zero)
        {
            return null;
        }

        return new TrafficSample(
            // A request that has left its instance and is not in the books yet is in neither count for a moment.
            Math.Max(0, now.Arrived - before.Arrived) / over.TotalSeconds,
            inFlight.Count > 0 ? inFlight.Values.Sum() : now.InFlight,
            answered?.Mean.TotalSeconds,
            answered?.Percentile(95).TotalSeconds,
            answered?.Percentile(99).TotalSeconds,
            Math.Max(0, now.Served - before.Served) / over.TotalSeconds,
            Math.Max(0, now.Failed - before.Failed) / over.TotalSeconds);
    }

    private InstanceSample Sample(
        Instance instance,
        ServiceTraffic? traffic,
        IReadOnlyDictionary<string, double> inFlight,
        TimeSpan over,
        Lazy<IReadOnlyList<ProcessRow>> processes,
        Dictionary<(string, long?), (TimeSpan, long, long)> seen)
    {
        var status = instance.Status;
        var known = traffic?.Instances.FirstOrDefault(one => one.Instance == status.Name) is { Instance: not null } found ? found : (InstanceTraffic?)null;
        var usage = instance.Usage(processes);
        var at = _time.GetTimestamp();
        var key = (status.Name, status.Started);
        // One that was not seen before began at zero when its process was started.
        var before = _before.TryGetValue(key, out var old) ? old : (Cpu: TimeSpan.Zero, At: status.Started ?? at, Begun: 0L);
        if (status.Started is not null)
        {
            seen[key] = (usage?.CpuTime ?? before.Cpu, usage is null ? before.At : at, known?.Begun ?? 0);
        }

        return new InstanceSample
        {
            Phase = PhaseOf(status, _service.IsLeaving(instance), known?.State),
            Age = status.Started is { } started ? _time.GetElapsedTime(started) : TimeSpan.Zero,
            ReadyFor = status.Ready is { } ready ? _time.GetElapsedTime(ready) : null,
            Cpu = ShareOfCpu(usage, before.Cpu, _time.GetElapsedTime(before.At, at), _service.Size.Cpu),
            Memory = usage is { MemoryBytes: > 0 } && _service.Size.Memory is { } memory ? usage.MemoryBytes / (double)memory.Bytes : null,
            RequestsPerSecond = _routed && known is { } its && over > TimeSpan.Zero ? Math.Max(0, its.Begun - before.Begun) / over.TotalSeconds : null,
            InFlight = _routed && known is { } flying ? inFlight.GetValueOrDefault(status.Name, flying.InFlight) : null,
        };
    }

    /// <summary>Processor time since a look, as a share of the limit; null where one of them is not known.</summary>
    internal static double? ShareOfCpu(ResourceUsage? now, TimeSpan before, TimeSpan over, Cpu? limit) =>
        // Nothing runs without any processor time: a zero is that of a group which is just being removed.
        limit is { Millicores: > 0 } && now is not null && now.CpuTime > TimeSpan.Zero && now.CpuTime >= before && over > TimeSpan.Zero
            ? (now.CpuTime - before) / over / (limit.Value.Millicores / 1000.0)
            : null;

    /// <summary>Where an instance is in its life, as supervisor and gateway see it.</summary>
    internal static InstancePhase PhaseOf(InstanceStatus status, bool leaving, Gateway.InstanceState? inGateway) => (status.State, leaving) switch
    {
        (_, true) or (InstanceState.Stopping or InstanceState.Stopped, _) => InstancePhase.Leaving,
        (InstanceState.Ready, _) => inGateway is null or Gateway.InstanceState.Ready ? InstancePhase.Ready : InstancePhase.Unready,
        (InstanceState.Starting, _) when status.Restarts == 0 => InstancePhase.Starting,
        _ => InstancePhase.Unready,
    };
}
