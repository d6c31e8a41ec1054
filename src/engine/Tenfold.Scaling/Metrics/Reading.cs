using Tenfold.Guide;

namespace Tenfold.Scaling.Metrics;

/// <summary>Metrics of a snapshot as one number each. What is not finite, or negative, was not seen.</summary>
internal static class Reading
{
    /// <summary>What one instance was seen to do; null for metrics that are not an instance's.</summary>
    public static double? Of(in InstanceSample instance, ScalingMetric metric) => Sound(metric switch
    {
        ScalingMetric.Cpu => instance.Cpu,
        ScalingMetric.Memory => instance.Memory,
        ScalingMetric.RequestsPerSecond => instance.RequestsPerSecond,
        ScalingMetric.InFlight => instance.InFlight,
        _ => null,
    });

    /// <summary>The service as a whole: averages over its ready instances, latencies, and queues by what one instance has of them.</summary>
    public static double? Of(Snapshot snapshot, ScalingMetric metric, string? queue = null) => metric switch
    {
        ScalingMetric.Average => Sound(snapshot.Traffic?.Average),
        ScalingMetric.P95 => Sound(snapshot.Traffic?.P95),
        ScalingMetric.P99 => Sound(snapshot.Traffic?.P99),
        ScalingMetric.QueueDepth => Sound(Queue(snapshot, queue)?.Depth / Math.Max(1, snapshot.Count)),
        ScalingMetric.QueueAge => Sound(Queue(snapshot, queue)?.Age),
        ScalingMetric.QueueDrain => Queue(snapshot, queue) is { } found ? Drain(found) : null,
        _ => Average(snapshot, metric),
    };

    /// <summary>A queue that was seen.</summary>
    public static QueueSample? Queue(Snapshot snapshot, string? queue) =>
        queue is not null && snapshot.Queues.TryGetValue(queue, out var found) && Sound(found.Depth) is not null && Sound(found.Age) is not null ? found : null;

    /// <summary>Null unless it is a number, and not negative.</summary>
    public static double? Sound(double? value) => value is { } number && double.IsFinite(number) && number >= 0 ? number : null;

    /// <summary>The sum over the instances that are ready, and how many of them were seen.</summary>
    public static (double Sum, int Seen) Ready(Snapshot snapshot, ScalingMetric metric)
    {
        var (sum, seen) = (0.0, 0);
        for (var i = 0; i < snapshot.Instances.Count; i++)
        {
            if (snapshot.Instances[i] is { Phase: InstancePhase.Ready } instance && Of(instance, metric) is { } value)
            {
                sum += value;
                seen++;
            }
        }

        return (sum, seen);
    }

    /// <summary>How many instances are in a phase.</summary>
    public static int Count(Snapshot snapshot, InstancePhase phase)
    {
        var count = 0;
        for (var i = 0; i < snapshot.Instances.Count; i++)
        {
            count += snapshot.Instances[i].Phase == phase ? 1 : 0;
        }

        return count;
    }

    private static double? Average(Snapshot snapshot, ScalingMetric metric) => Ready(snapshot, metric) is { Seen: > 0 } ready ? ready.Sum / ready.Seen : null;

    private static double? Drain(QueueSample queue) => queue.Depth == 0 ? 0 : Sound(queue.Done) is > 0 and var done ? queue.Depth / done : null;
}
