using Tenfold.Guide;
using Tenfold.Scaling.Metrics;
using Tenfold.Scaling.Windows;

namespace Tenfold.Scaling.Kpa;

/// <summary>
/// Knative's autoscaler: the average of a stable window of 60 s, and while that of a panic window of 6 s asks for at least twice of what is
/// ready, the larger of both, and never fewer than before, until it has been calm for a stable window.
/// </summary>
internal sealed class KpaPolicy : IScalingPolicy
{
    private const double PanicThreshold = 2;
    private const double MostOut = 1000;
    private const double MostIn = 2;

    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Panic = TimeSpan.FromSeconds(6);

    private readonly ScaleMetric _metric;
    private readonly TimeWindow _seen;
    private readonly TimeSpan? _panicAt;
    private readonly int _mostInPanic;
    private readonly bool _isNew;

    public KpaPolicy(ScaleMetric metric)
        : this(metric, new TimeWindow(Stable), null, 0, isNew: true)
    {
    }

    private KpaPolicy(ScaleMetric metric, TimeWindow seen, TimeSpan? panicAt, int mostInPanic, bool isNew) =>
        (_metric, _seen, _panicAt, _mostInPanic, _isNew) = (metric, seen, panicAt, mostInPanic, isNew);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        var now = snapshot.Now;
        var total = Total(snapshot);
        var seen = total is { } sample ? _seen.With(now, sample, snapshot.Over.TotalSeconds) : _seen;
        var (stable, panic) = (seen.AverageOf(now - Stable, now), seen.AverageOf(now - Panic, now));
        if (stable is null || panic is null)
        {
            return (Proposal.Blind(MetricText.Missing(_metric.Metric, null)), new KpaPolicy(_metric, seen, _panicAt, _mostInPanic, _isNew));
        }

        var ready = Math.Max(1, Reading.Count(snapshot, InstancePhase.Ready));
        var target = _metric.Target.Value;
        var (most, least) = (Counts.Ceiling(MostOut * ready), (int)Math.Floor(ready / MostIn));
        var (ofStable, ofPanic) = (Math.Clamp(Counts.Ceiling(stable.Value / target), least, most), Math.Clamp(Counts.Ceiling(panic.Value / target), least, most));
        var isOver = (double)Counts.Ceiling(panic.Value / target) / ready >= PanicThreshold;
        // After a restart the windows are empty: what is there is kept until they are full.
        var panicAt = isOver || (_isNew && snapshot.Count > 1) ? now : _panicAt is { } since && since + Stable < now ? null : _panicAt;
        var (wish, mostInPanic) = (ofStable, 0);
        if (panicAt is not null)
        {
            mostInPanic = Math.Max(Math.Max(ofStable, ofPanic), Math.Max(_mostInPanic, _panicAt is null ? snapshot.Count : 0));
            wish = mostInPanic;
        }

        var saw = $"{MetricText.Of(_metric.Metric, null, stable.Value / ready, _metric.Target)} over 60 s{(panicAt is null ? "" : $", {MetricText.Value(panic.Value / ready, _metric.Target.Unit)} over 6 s: panic")}";
        var proposal = total is null && wish < snapshot.Count ? Proposal.Blind(MetricText.Missing(_metric.Metric, null)) : Proposal.Of(wish, saw);
        return (proposal, new KpaPolicy(_metric, seen, panicAt, mostInPanic, isNew: false));
    }

    // What the gateway holds counts as well as what is at an instance; without it nothing could start from 0.
    private double? Total(Snapshot snapshot) => _metric.Metric switch
    {
        ScalingMetric.InFlight => Reading.Sound(snapshot.Traffic?.InFlight),
        _ => Reading.Sound(snapshot.Traffic?.RequestsPerSecond),
    };
}
