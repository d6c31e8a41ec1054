namespace Tenfold.Guide;

/// <summary>What is known of each metric that a rule may look at.</summary>
public static class ScalingMetrics
{
    /// <summary>What it is measured in.</summary>
    public static ScaleUnit Unit(this ScalingMetric metric) => metric switch
    {
        ScalingMetric.Cpu or ScalingMetric.Memory => ScaleUnit.Share,
        ScalingMetric.RequestsPerSecond or ScalingMetric.InFlight or ScalingMetric.QueueDepth => ScaleUnit.Count,
        _ => ScaleUnit.Time,
    };

    /// <summary>Whether it is about a queue of jobs, which has to be named.</summary>
    public static bool IsOfQueue(this ScalingMetric metric) => metric is ScalingMetric.QueueDepth or ScalingMetric.QueueAge or ScalingMetric.QueueDrain;

    /// <summary>Whether the gateway measures it, which it does only for services that a route leads to.</summary>
    public static bool IsOfTraffic(this ScalingMetric metric) =>
        metric is ScalingMetric.RequestsPerSecond or ScalingMetric.InFlight or ScalingMetric.Average or ScalingMetric.P95 or ScalingMetric.P99;
}
