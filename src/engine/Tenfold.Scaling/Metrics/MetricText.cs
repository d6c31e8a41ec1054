using System.Globalization;
using Tenfold.Guide;

namespace Tenfold.Scaling.Metrics;

/// <summary>Metrics in sentences: "cpu at 91% (target 70%)".</summary>
internal static class MetricText
{
    /// <summary>What is wrong with a metric that was not seen.</summary>
    public static string Missing(ScalingMetric metric, string? queue) => $"{Name(metric, queue)} was not seen";

    /// <summary>What was seen, and what it is kept at.</summary>
    public static string Of(ScalingMetric metric, string? queue, double seen, ScaleTarget target) => $"{Name(metric, queue)} at {Value(seen, target.Unit)} (target {Value(target.Value, target.Unit)})";

    /// <summary>The metric's name for people.</summary>
    public static string Name(ScalingMetric metric, string? queue = null) => metric switch
    {
        ScalingMetric.Cpu => "cpu",
        ScalingMetric.Memory => "memory",
        ScalingMetric.RequestsPerSecond => "requests/s of an instance",
        ScalingMetric.InFlight => "requests in flight of an instance",
        ScalingMetric.Average => "average latency",
        ScalingMetric.P95 => "p95",
        ScalingMetric.P99 => "p99",
        ScalingMetric.QueueDepth => $"waiting jobs of {queue} an instance",
        ScalingMetric.QueueAge => $"oldest job of {queue}",
        ScalingMetric.QueueDrain => $"time to drain {queue}",
        _ => throw new ArgumentOutOfRangeException(nameof(metric), metric, null),
    };

    /// <summary>A value with its unit.</summary>
    public static string Value(double value, ScaleUnit unit) => unit switch
    {
        ScaleUnit.Share => (value * 100).ToString("0", CultureInfo.InvariantCulture) + "%",
        ScaleUnit.Time => value < 1 ? (value * 1000).ToString("0", CultureInfo.InvariantCulture) + " ms" : value.ToString("0.0", CultureInfo.InvariantCulture) + " s",
        _ => Math.Abs(value) < 10 ? value.ToString("0.#", CultureInfo.InvariantCulture) : value.ToString("#,0", CultureInfo.InvariantCulture),
    };
}
