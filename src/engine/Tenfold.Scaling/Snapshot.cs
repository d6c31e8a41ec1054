using System.Runtime.InteropServices;

namespace Tenfold.Scaling;

/// <summary>A service as it was seen at one time. Immutable.</summary>
public sealed record Snapshot
{
    /// <summary>By a clock that never jumps, from any beginning: windows and cooldowns are measured by it.</summary>
    public required TimeSpan Now { get; init; }

    /// <summary>By the wall clock: for schedules, seasons and people.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The time that rates are averages of: since the last snapshot.</summary>
    public required TimeSpan Over { get; init; }

    /// <summary>Instances that are wanted now: those that start and those that are ill included, those that leave not.</summary>
    public required int Count { get; init; }

    /// <summary>All there are.</summary>
    public required IReadOnlyList<InstanceSample> Instances { get; init; }

    /// <summary>What the gateway saw of the service; null: no route leads to it, or there is no sample.</summary>
    public TrafficSample? Traffic { get; init; }

    /// <summary>Queues that its rules name; one that is missing was not seen.</summary>
    public IReadOnlyDictionary<string, QueueSample> Queues { get; init; } = new Dictionary<string, QueueSample>();

    /// <summary>How long an instance takes from its start until it is ready, as measured; null: none was seen yet.</summary>
    public TimeSpan? StartTime { get; init; }

    /// <summary>The most instances that the machine has room for now, those that there are included; null: no limit.</summary>
    public int? Room { get; init; }

    /// <summary>The number that somebody has pinned; null: none.</summary>
    public int? Pinned { get; init; }

    /// <summary>Requests a second that one instance carries within its budgets, from a capacity profile; null: there is none.</summary>
    public double? Capacity { get; init; }
}

/// <summary>
/// What the gateway saw of a service over the snapshot's time. Latencies are of at least 100 answers: where fewer came in that time, of those before
/// it too, back to 30 s; null when nothing was answered in these.
/// </summary>
/// <param name="RequestsPerSecond">Requests that arrived, a second, those that were refused for want of an instance included.</param>
/// <param name="InFlight">Requests in flight, on average.</param>
/// <param name="Average">Average latency in seconds.</param>
/// <param name="P95">95th percentile of the latency in seconds.</param>
/// <param name="P99">99th percentile of the latency in seconds.</param>
/// <param name="Served">Requests that an instance answered, and not with a 5xx, a second; null: not known.</param>
/// <param name="Failed">Requests that an instance answered with a 5xx, or not in time, a second.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TrafficSample(double RequestsPerSecond, double InFlight, double? Average = null, double? P95 = null, double? P99 = null, double? Served = null, double Failed = 0);

/// <summary>A queue of jobs over the snapshot's time.</summary>
/// <param name="Depth">Jobs that are ready and wait.</param>
/// <param name="Age">Seconds since the oldest of them became ready; 0 when none waits.</param>
/// <param name="Arriving">Jobs that became ready, a second; null: not known.</param>
/// <param name="Done">Jobs that ended, a second; null: not known.</param>
/// <param name="Running">Jobs that run.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct QueueSample(double Depth, double Age, double? Arriving = null, double? Done = null, double Running = 0);
