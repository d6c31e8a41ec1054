using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Latency;

/// <summary>
/// Keeps a latency within its budget. Latency does not fall in proportion to instances, so what it goes by is the load an instance was seen to carry: with a capacity
/// profile that of the profile, else what was too much when the budget was missed last; without either it takes one instance away at a time and looks.
/// </summary>
internal sealed class LatencyPolicy : IScalingPolicy
{
    private const double MostAtOnce = 2;   // times the instances that are ready
    private const double Margin = 0.85;    // of the load that was too much
    private const double Comfortable = 0.6; // of the budget: one fewer may be tried
    private const double Helped = 0.8;      // of the latency before: more instances have made a difference
    private const double Idle = 0.5;        // of their processors: what takes long is somewhere else

    private const double Answers = 100; // that a percentile is of

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestSettle = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Remember = TimeSpan.FromMinutes(10);

    private readonly ScaleMetric _metric;
    private readonly Memory _memory;

    public LatencyPolicy(ScaleMetric metric)
        : this(metric, new Memory(null, default, 0, default, null))
    {
    }

    private LatencyPolicy(ScaleMetric metric, Memory memory) => (_metric, _memory) = (metric, memory);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        var ready = Reading.Count(snapshot, InstancePhase.Ready);
        var memory = _memory.Ready == ready ? _memory : _memory with { Ready = ready, ReadySince = snapshot.Now };
        if (Reading.Sound(snapshot.Traffic?.RequestsPerSecond) is not { } load || (Reading.Of(snapshot, _metric.Metric) is null && load > 0))
        {
            return (Proposal.Blind(MetricText.Missing(_metric.Metric, null)), new LatencyPolicy(_metric, memory));
        }

        if (load == 0)
        {
            return (Proposal.Of(0, $"{MetricText.Name(_metric.Metric)}: no requests"), new LatencyPolicy(_metric, memory));
        }

        var (latency, budget) = (Reading.Of(snapshot, _metric.Metric)!.Value, _metric.Target.Value);
        var each = load / Math.Max(1, ready);
        var saw = MetricText.Of(_metric.Metric, null, latency, _metric.Target);
        // New ones have a moment to show what they change, else each look would add as many again; longer where answers are rare, as what is seen is of older ones, too.
        var settle = TimeSpan.FromSeconds(Math.Clamp(Answers / load, Settle.TotalSeconds, LongestSettle.TotalSeconds));
        var hasSettled = snapshot.Now - memory.ReadySince >= settle;
        if (latency > budget && memory.Asked is { } asked && ready > asked.Ready && latency > Helped * asked.Latency && Reading.Of(snapshot, ScalingMetric.Cpu) is < Idle)
        {
            return (Proposal.Of(snapshot.Count, $"{saw}, more instances have not helped and are idle: something else is slow"), new LatencyPolicy(_metric, memory));
        }

        memory = latency <= budget ? memory with { Asked = null } : hasSettled ? memory with { Asked = (ready, latency) } : memory;
        memory = latency > budget && hasSettled ? memory with { TooMuch = memory.TooMuchAt(snapshot.Now) is { } before ? Math.Min(before, each) : each, TooMuchSeen = snapshot.Now } : memory;
        var carries = Reading.Sound(snapshot.Capacity) is > 0 and var profile ? profile : memory.TooMuchAt(snapshot.Now) * Margin;
        var needed = carries is > 0 ? Counts.Ceiling(load / carries.Value) : (int?)null;
        if (latency > budget)
        {
            var more = hasSettled ? Counts.Ceiling(ready * Math.Min(MostAtOnce, latency / budget)) : snapshot.Count;
            var most = Math.Max(snapshot.Count, Counts.Ceiling(ready * MostAtOnce));
            return (Proposal.Of(Math.Max(snapshot.Count, Math.Max(more, Math.Min(needed ?? 0, most))), saw), new LatencyPolicy(_metric, memory));
        }

        var wish = needed ?? (latency < budget * Comfortable ? snapshot.Count - 1 : snapshot.Count);
        var of = needed is null ? "" : $", {MetricText.Value(load, ScaleUnit.Count)} requests/s, an instance carries {MetricText.Value(carries!.Value, ScaleUnit.Count)}/s";
        return (Proposal.Of(Math.Max(wish, 0), saw + of), new LatencyPolicy(_metric, memory));
    }

    /// <param name="TooMuch">Requests a second of an instance with which the budget was missed.</param>
    /// <param name="TooMuchSeen">When.</param>
    /// <param name="Ready">Instances that were ready.</param>
    /// <param name="ReadySince">Since when it is that many.</param>
    /// <param name="Asked">How it was when more were asked for; null: they were not, or it is well again.</param>
    private sealed record Memory(double? TooMuch, TimeSpan TooMuchSeen, int Ready, TimeSpan ReadySince, (int Ready, double Latency)? Asked)
    {
        public double? TooMuchAt(TimeSpan now) => now - TooMuchSeen < Remember ? TooMuch : null;
    }
}
