using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Queues;

/// <summary>
/// Instances for a queue of jobs: by what waits, or so many that it is worked off in a time, from what one instance was seen to do while there was enough to do. Never
/// fewer than what runs needs, and none when there is nothing.
/// </summary>
internal sealed class QueueTracking : IScalingPolicy
{
    private const double Newest = 0.3; // weight of the newest sample in the rate of one instance
    private const double Busy = 0.8;   // share of that rate that is planned with while the queue is in time

    private readonly ScaleMetric _metric;
    private readonly double _tolerance;
    private readonly int _concurrency;
    private readonly double? _each; // jobs a second that one instance ends when there are enough

    public QueueTracking(ScaleMetric metric, double tolerance, int concurrency)
        : this(metric, tolerance, concurrency, null)
    {
    }

    private QueueTracking(ScaleMetric metric, double tolerance, int concurrency, double? each) => (_metric, _tolerance, _concurrency, _each) = (metric, tolerance, concurrency, each);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        if (Reading.Queue(snapshot, _metric.Queue) is not { } queue)
        {
            return (Proposal.Blind(MetricText.Missing(_metric.Metric, _metric.Queue)), this);
        }

        var ready = Reading.Count(snapshot, InstancePhase.Ready);
        // There was enough to do for all of them: something has waited for longer than since the last look.
        var isBusy = queue.Depth > 0 && queue.Age > snapshot.Over.TotalSeconds && ready > 0 && Reading.Sound(queue.Done) is > 0;
        var each = isBusy ? _each + (Newest * ((queue.Done!.Value / ready) - _each)) ?? queue.Done!.Value / ready : _each;
        var (wish, saw) = _metric.Metric == ScalingMetric.QueueDepth ? OfDepth(snapshot, queue) : OfTime(snapshot, queue, each, ready);
        var running = Counts.Ceiling((Reading.Sound(queue.Running) ?? 0) / _concurrency);
        return (Proposal.Of(Math.Max(wish, running), saw), new QueueTracking(_metric, _tolerance, _concurrency, each));
    }

    private (int Wish, string Saw) OfDepth(Snapshot snapshot, QueueSample queue)
    {
        var wish = Counts.Tolerant(queue.Depth / _metric.Target.Value, snapshot.Count, _tolerance);
        return (wish, MetricText.Of(_metric.Metric, _metric.Queue, queue.Depth / Math.Max(1, snapshot.Count), _metric.Target));
    }

    private (int Wish, string Saw) OfTime(Snapshot snapshot, QueueSample queue, double? each, int ready)
    {
        var target = _metric.Target.Value;
        var arriving = Reading.Sound(queue.Arriving) ?? Reading.Sound(queue.Done) ?? 0;
        var value = Reading.Of(snapshot, _metric.Metric, _metric.Queue); // null: jobs wait, and none was done
        var isLate = value is null || value > target;
        var saw = value is { } seen ? MetricText.Of(_metric.Metric, _metric.Queue, seen, _metric.Target) : $"{MetricText.Value(queue.Depth, ScaleUnit.Count)} jobs of {_metric.Queue} wait, and none was done yet";
        if (queue.Depth == 0 && arriving == 0)
        {
            return (0, saw);
        }

        if (each is not > 0)
        {
            // What one can do is not known: twice as many each time that all there are have begun, and one fewer while it is in time.
            return (Math.Max(1, !isLate ? snapshot.Count - 1 : ready > 0 && ready >= snapshot.Count ? 2 * snapshot.Count : snapshot.Count), saw);
        }

        var beside = isLate || _metric.Metric == ScalingMetric.QueueDrain ? (arriving + (queue.Depth / target)) / each.Value : 0;
        var needed = isLate ? beside : Math.Max(beside, arriving / (each.Value * Busy));
        return (Math.Max(1, Counts.Tolerant(needed, snapshot.Count, _tolerance)), $"{saw}, {MetricText.Value(arriving, ScaleUnit.Count)}/s arrive, an instance does {MetricText.Value(each.Value, ScaleUnit.Count)}/s");
    }
}
