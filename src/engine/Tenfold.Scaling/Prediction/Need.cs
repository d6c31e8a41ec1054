using System.Runtime.InteropServices;
using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Prediction;

/// <summary>
/// How many instances a load needs, so that the metrics are at their targets: as it was over the last time, by the load, so that what instances use without any
/// counts little. Immutable.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Need
{
    // Beyond this an instance may be at its limit, and what it uses says no more what the load needs.
    private const double Busy = 0.95;
    private const double Over = 1.2;

    private const double MostLoad = 1e12; // what is more was measured wrongly, and sums must stay finite

    private readonly double _instances, _load; // summed with decaying weights

    private Need(double instances, double load) => (_instances, _load) = (instances, load);

    /// <summary>Instances for one unit of load; null: it was not seen yet.</summary>
    public double? Each => _load > 0 ? _instances / _load : null;

    /// <summary>The load that instances are needed for: jobs a second that arrive when a metric is that of a queue, otherwise requests a second. Null: it was not seen.</summary>
    public static double? LoadOf(Snapshot snapshot, IReadOnlyList<ScaleMetric> metrics) =>
        Plausible(QueueOf(metrics) is { } queue ? Reading.Queue(snapshot, queue)?.Arriving : snapshot.Traffic?.RequestsPerSecond);

    /// <summary>The queue whose arrivals are the load; null: requests are.</summary>
    public static string? QueueOf(IReadOnlyList<ScaleMetric> metrics)
    {
        for (var i = 0; i < metrics.Count; i++)
        {
            if (metrics[i].Queue is { } queue)
            {
                return queue;
            }
        }

        return null;
    }

    /// <summary>With what a snapshot tells; <paramref name="memory"/> is how long it is remembered.</summary>
    public Need With(Snapshot snapshot, IReadOnlyList<ScaleMetric> metrics, double load, TimeSpan memory)
    {
        if (Sample(snapshot, metrics, load) is not ({ } instances, > 0 and var carried))
        {
            return this;
        }

        var seconds = Math.Max(0, snapshot.Over.TotalSeconds);
        var kept = Math.Exp(-seconds / memory.TotalSeconds);
        return new Need((kept * _instances) + (instances * seconds), (kept * _load) + (carried * seconds));
    }

    private static (double? Instances, double Load) Sample(Snapshot snapshot, IReadOnlyList<ScaleMetric> metrics, double load)
    {
        var ready = Reading.Count(snapshot, InstancePhase.Ready);
        if (QueueOf(metrics) is { } name)
        {
            // What an instance does shows while there is enough to do.
            return Reading.Queue(snapshot, name) is { Depth: > 0, Done: { } done, Age: var age } && age > snapshot.Over.TotalSeconds ? (ready, Plausible(done) ?? 0) : (null, 0);
        }

        double? needed = null;
        var isMet = ready > 0;
        for (var i = 0; i < metrics.Count; i++)
        {
            var (metric, target) = (metrics[i].Metric, metrics[i].Target.Value);
            var value = Reading.Of(snapshot, metric);
            // Of requests the metric says it without being seen; the others only while their instances keep up.
            var instances = metric switch
            {
                ScalingMetric.RequestsPerSecond => load / target,
                ScalingMetric.Cpu when value <= Math.Min(Busy, Over * target) => value * ready / target,
                ScalingMetric.InFlight when value <= Over * target => value * ready / target,
                _ => null,
            };
            needed = instances is { } number ? Math.Max(needed ?? 0, number) : needed;
            isMet &= value <= target;
        }

        // With metrics that are not in proportion to the load: as many as did.
        return needed is null && isMet && !metrics.Any(one => one.Metric is ScalingMetric.Cpu or ScalingMetric.InFlight) ? (ready, load) : (needed, load);
    }

    private static double? Plausible(double? load) => Reading.Sound(load) is <= MostLoad and var sound ? sound : null;
}
