using Tenfold.Guide;
using Tenfold.Scaling.Demand;
using Tenfold.Scaling.Hpa;
using Tenfold.Scaling.Kpa;
using Tenfold.Scaling.Latency;
using Tenfold.Scaling.Prediction;
using Tenfold.Scaling.Queues;
using Tenfold.Scaling.Steps;

namespace Tenfold.Scaling;

/// <summary>Which policies a guide's rules are.</summary>
internal static class Policies
{
    public static IEnumerable<IScalingPolicy> Of(Scale scale, IReadOnlyDictionary<string, QueuePolicy> queues)
    {
        foreach (var metric in scale.Metrics)
        {
            yield return (scale.Algorithm, metric.Metric) switch
            {
                (ScaleAlgorithm.Hpa, _) => new HpaTracking(metric, scale.Tolerance.Fraction),
                (ScaleAlgorithm.Kpa, ScalingMetric.InFlight or ScalingMetric.RequestsPerSecond) => new KpaPolicy(metric),
                (_, ScalingMetric.Cpu or ScalingMetric.RequestsPerSecond or ScalingMetric.InFlight) => new DemandPolicy(metric, scale.Tolerance.Fraction),
                (_, ScalingMetric.Average or ScalingMetric.P95 or ScalingMetric.P99) => new LatencyPolicy(metric),
                (_, ScalingMetric.QueueDepth or ScalingMetric.QueueAge or ScalingMetric.QueueDrain) =>
                    new QueueTracking(metric, scale.Tolerance.Fraction, queues.TryGetValue(metric.Queue ?? "", out var queue) ? queue.Concurrency : new QueuePolicy().Concurrency),
                _ => new HpaTracking(metric, scale.Tolerance.Fraction),
            };
        }

        if (scale.Steps.Count > 0)
        {
            yield return new StepPolicy(scale.Steps);
        }

        if (scale.Predict is { } options)
        {
            yield return new PredictPolicy(scale, options);
        }
    }
}
