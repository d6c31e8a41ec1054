using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Hpa;

/// <summary>
/// Target tracking with the arithmetic of Kubernetes' HorizontalPodAutoscaler (its replica calculator): a ratio of sums, instances without a
/// sample and those that are not ready counted against the direction of the change, nothing within the tolerance.
/// </summary>
internal sealed class HpaTracking(ScaleMetric metric, double tolerance) : IScalingPolicy
{
    private static readonly TimeSpan CpuInitialisation = TimeSpan.FromMinutes(5);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot) => (Wish(snapshot), this);

    private Proposal Wish(Snapshot snapshot) => metric.Metric switch
    {
        ScalingMetric.Cpu or ScalingMetric.Memory or ScalingMetric.RequestsPerSecond or ScalingMetric.InFlight => OfInstances(snapshot),
        ScalingMetric.QueueDepth => OfDepth(snapshot),
        _ => OfService(snapshot),
    };

    // An external metric with an average: the whole of it, in parts of the target.
    private Proposal OfDepth(Snapshot snapshot)
    {
        if (Reading.Queue(snapshot, metric.Queue) is not { } queue)
        {
            return Proposal.Blind(MetricText.Missing(metric.Metric, metric.Queue));
        }

        var wish = snapshot.Count > 0 && IsWithin(queue.Depth / (metric.Target.Value * snapshot.Count)) ? snapshot.Count : Counts.Ceiling(queue.Depth / metric.Target.Value);
        return Proposal.Of(wish, MetricText.Of(metric.Metric, metric.Queue, queue.Depth / Math.Max(1, snapshot.Count), metric.Target));
    }

    // A metric of another object, with a value.
    private Proposal OfService(Snapshot snapshot)
    {
        if (Reading.Of(snapshot, metric.Metric, metric.Queue) is not { } value)
        {
            return Proposal.Blind(MetricText.Missing(metric.Metric, metric.Queue));
        }

        var ratio = value / metric.Target.Value;
        var wish = IsWithin(ratio) ? snapshot.Count : Counts.Ceiling(ratio * Math.Max(1, Reading.Count(snapshot, InstancePhase.Ready)));
        return Proposal.Of(wish, MetricText.Of(metric.Metric, metric.Queue, value, metric.Target));
    }

    private Proposal OfInstances(Snapshot snapshot)
    {
        var (seen, unready, missing, sum) = Group(snapshot);
        if (seen == 0)
        {
            return Proposal.Blind(MetricText.Missing(metric.Metric, null));
        }

        var target = metric.Target.Value;
        var ratio = Ratio(sum / seen);
        var saw = MetricText.Of(metric.Metric, null, sum / seen, metric.Target);
        var outWithUnready = unready > 0 && ratio > 1;
        if (!outWithUnready && missing == 0)
        {
            return Proposal.Of(IsWithin(ratio) ? snapshot.Count : Counts.Ceiling(ratio * seen), saw);
        }

        // Those that were not seen: as if they had all they may on the way in, nothing on the way out. Those that are not ready: nothing on the way out.
        var counted = seen + (ratio == 1 ? 0 : missing) + (outWithUnready ? unready : 0);
        var assumed = ratio < 1 ? missing * (metric.Target.Unit == ScaleUnit.Share ? Math.Max(1, target) : target) : 0;
        var again = Ratio((sum + assumed) / counted);
        var wish = Counts.Ceiling(again * counted);
        var turned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
        var contradicts = (again < 1 && wish > snapshot.Count) || (again > 1 && wish < snapshot.Count);
        return Proposal.Of(IsWithin(again) || turned || contradicts ? snapshot.Count : wish, $"{saw}, {missing} not seen, {unready} not ready");
    }

    // Shares are compared as whole percentages, cut off.
    private double Ratio(double average) => metric.Target.Unit == ScaleUnit.Share
        ? Math.Floor((average * 100) + 1e-9) / Math.Round(metric.Target.Value * 100, 6)
        : average / metric.Target.Value;

    private bool IsWithin(double ratio) => Math.Abs(ratio - 1) <= tolerance + 1e-12;

    private (int Seen, int Unready, int Missing, double Sum) Group(Snapshot snapshot)
    {
        var (seen, unready, missing, sum) = (0, 0, 0, 0.0);
        for (var i = 0; i < snapshot.Instances.Count; i++)
        {
            var instance = snapshot.Instances[i];
            if (instance.Phase == InstancePhase.Leaving)
            {
                continue;
            }

            if (Reading.Of(instance, metric.Metric) is not { } value)
            {
                (unready, missing) = instance.Phase == InstancePhase.Starting ? (unready + 1, missing) : (unready, missing + 1);
            }
            else if (metric.Metric == ScalingMetric.Cpu && IsUnready(instance, snapshot.Over))
            {
                unready++;
            }
            else
            {
                seen++;
                sum += value;
            }
        }

        return (seen, unready, missing, sum);
    }

    private static bool IsUnready(in InstanceSample instance, TimeSpan window) => instance.Age < CpuInitialisation
        ? instance.Phase != InstancePhase.Ready || instance.ReadyFor is not { } since || since < window
        : instance.Phase != InstancePhase.Ready && instance.ReadyFor is null;
}
