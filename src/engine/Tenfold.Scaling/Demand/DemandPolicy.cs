using System.Runtime.InteropServices;
using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Demand;

/// <summary>
/// Tenfold's own way to keep cpu, requests or requests in flight at a target: it does not wait until instances are busy. It sees at the gateway what arrives, knows what a request
/// costs (feed-forward: also beyond what the instances can do, where their own figures end), adds what a rise will bring until a new instance is ready, and what has piled up.
/// </summary>
internal sealed class DemandPolicy : IScalingPolicy
{
    private static readonly TimeSpan StartUnknown = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WorkOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CostMemory = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15); // of a new instance: compilers, empty caches

    // Of what they can do: with more, latency is lost. What comes as a surprise may use it up, and no more.
    private const double Full = 0.9;
    private const double MostMargin = 1.25; // beyond that a load is not lively but flaps, and the window of in holds what its peaks need

    // What a request costs was seen at some load. Beyond so many times of it, it is looked at again first: what instances do beside requests is in it, too.
    private const double Extrapolated = 4;

    private readonly ScaleMetric _metric;
    private readonly double _tolerance;
    private readonly Arrivals _arrivals;
    private readonly Cost _cost;
    private readonly double? _residence; // seconds a request is in flight when nothing piles up
    private readonly double? _inFlight;

    public DemandPolicy(ScaleMetric metric, double tolerance)
        : this(metric, tolerance, new Arrivals(), new Cost(), null, null)
    {
    }

    private DemandPolicy(ScaleMetric metric, double tolerance, Arrivals arrivals, Cost cost, double? residence, double? inFlight) =>
        (_metric, _tolerance, _arrivals, _cost, _residence, _inFlight) = (metric, tolerance, arrivals, cost, residence, inFlight);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        var traffic = snapshot.Traffic;
        if (Reading.Sound(traffic?.RequestsPerSecond) is not { } rate || Reading.Sound(traffic?.InFlight) is not { } inFlight)
        {
            // No traffic to see, as for a worker: by what the instances do.
            var (byInstances, _) = new Hpa.HpaTracking(_metric, _tolerance).Propose(snapshot);
            return (byInstances, new DemandPolicy(_metric, _tolerance, new Arrivals(), _cost, _residence, null));
        }

        var ahead = (snapshot.StartTime ?? StartUnknown) + snapshot.Over;
        var arrivals = _arrivals.With(snapshot.Now, snapshot.Over, rate, ahead);
        var (used, seen) = Used(snapshot, rate, inFlight);
        var over = snapshot.Over.TotalSeconds;
        var served = Reading.Sound(traffic?.Served);
        var failed = Reading.Sound(traffic?.Failed) ?? 0;
        var isFailing = failed > served; // then it is not seen what a request costs, but what a failure does
        var done = served + failed ?? Math.Max(0, rate - ((inFlight - (_inFlight ?? inFlight)) / Math.Max(over, 0.001)));
        var blend = 1 - Math.Exp(-over / CostMemory.TotalSeconds);
        var isCalm = used / Math.Max(1, seen) <= _metric.Target.Value * (1 + _tolerance);
        // What arrives is what is worked on, but where it piles up. (What stays open for long, such as a WebSocket, is not done, and does not pile up.)
        var worked = isCalm || _metric.Metric == ScalingMetric.RequestsPerSecond ? rate : done;
        var warm = used is null ? default : WarmOnes(snapshot, used.Value, rate);
        var cost = used is null || isFailing ? _cost : Learned(warm, used.Value, worked, blend);
        var residence = isCalm && done > 0 && !isFailing ? Blend(_residence, inFlight / done, blend) : _residence;
        var next = new DemandPolicy(_metric, _tolerance, arrivals, cost, residence, inFlight);
        if (cost.Each is not { } each)
        {
            return used is not null ? (Proposal.Of(Counts.Tolerant(used.Value / _metric.Target.Value, snapshot.Count, _tolerance), Saw(used / Math.Max(1, seen), 0, 0, 0, null)), next)
                : (Proposal.Blind(MetricText.Missing(_metric.Metric, null)), next);
        }

        var known = Extrapolated * cost.Load;
        if (served > 2 * cost.Load && !isFailing && used > 0 && _metric.Metric != ScalingMetric.RequestsPerSecond && AllServe(snapshot))
        {
            // Far more is done than it was seen at: what it needs now says more than what it needed then, when little code was compiled and caches were empty.
            (each, known) = (Math.Min(each, used.Value / served.Value), Extrapolated * served.Value);
        }

        var level = Math.Min(arrivals.Level, known);
        var rise = Math.Min(arrivals.Slope * ahead.TotalSeconds, known - level);
        // What waits while instances are not busy waits for something else, such as a database: more of them would not help.
        var piled = isCalm ? 0 : Math.Min(Math.Max(0, inFlight - (2 * (residence ?? 0) * level) - 1), known * WorkOff.TotalSeconds);
        // Work beside requests shows in what is used only. Of busy instances it counts where requests do not explain half of it.
        var steady = warm.AsAll < used ? warm.AsAll : used; // new ones compile, or get less than their share yet
        var beside = isCalm || 2 * each * Math.Max(rate, worked) < steady ? steady ?? 0 : 0;
        var margin = _metric.Target.Unit == ScaleUnit.Share ? Math.Clamp((1 + arrivals.Surprise) * _metric.Target.Value / Full, 1, MostMargin) : 1;
        var lasting = Math.Max(each * level * margin, beside) / _metric.Target.Value;
        var needed = Math.Max(lasting, each * (level + rise + (residence is null ? 0 : piled / WorkOff.TotalSeconds)) / _metric.Target.Value);
        var wish = Counts.Tolerant(needed, snapshot.Count, _tolerance);
        if (used is null && wish < snapshot.Count)
        {
            return (Proposal.Blind(MetricText.Missing(_metric.Metric, null)), next);
        }

        return (new Proposal(ProposalKind.Wish, wish, Saw(used / Math.Max(1, seen), level, rise, piled, residence)) { Lasting = Math.Min(wish, Counts.Ceiling(lasting)) }, next);
    }

    // A new instance compiles, and its caches are empty: what requests cost is learnt from the others, and from new ones until there are others.
    private Cost Learned(Warm warm, double used, double worked, double weight)
    {
        if (warm.Begun <= 0)
        {
            return _cost.With(used, worked, worked, weight, isWarm: false);
        }

        // Those that are not busy do what they are given; of what the busy ones do, their share is known.
        var isCalm = warm.Used / warm.Count <= _metric.Target.Value * (1 + _tolerance);
        return _cost.With(warm.Used, isCalm ? Math.Min(warm.Begun, worked) : worked * warm.Begun / warm.AllBegun, worked, weight, isWarm: true);
    }

    private Warm WarmOnes(Snapshot snapshot, double used, double rate)
    {
        if (_metric.Metric == ScalingMetric.RequestsPerSecond)
        {
            return new Warm(used, rate, rate, 1, used); // a request is one, also of a new instance
        }

        var ready = Reading.Count(snapshot, InstancePhase.Ready);
        var count = 0;
        double sum = 0, begun = 0, all = 0;
        for (var i = 0; i < snapshot.Instances.Count; i++)
        {
            if (snapshot.Instances[i] is not { Phase: InstancePhase.Ready } instance)
            {
                continue;
            }

            var requests = Reading.Sound(instance.RequestsPerSecond) ?? (rate / ready); // not counted: an even share
            all += requests;
            if (instance.ReadyFor >= WarmUp && Reading.Of(instance, _metric.Metric) is { } its)
            {
                (count, sum, begun) = (count + 1, sum + its, begun + requests);
            }
        }

        return count == 0 ? default : new Warm(sum, begun, all, count, sum * Math.Min((double)ready / count, begun > 0 ? all / begun : double.PositiveInfinity));
    }

    // Those that are ill or leave work off what they have: it is in what is served, and what they use is not seen.
    private static bool AllServe(Snapshot snapshot) =>
        Reading.Count(snapshot, InstancePhase.Unready) + Reading.Count(snapshot, InstancePhase.Leaving) == 0;

    // What one request costs is the metric itself for requests a second, time in flight for requests in flight, and processor time for cpu.
    private (double? Sum, int Seen) Used(Snapshot snapshot, double rate, double inFlight)
    {
        var ready = Reading.Count(snapshot, InstancePhase.Ready);
        return _metric.Metric switch
        {
            ScalingMetric.RequestsPerSecond => (rate, Math.Max(1, ready)),
            ScalingMetric.InFlight => (inFlight, Math.Max(1, ready)),
            // Those that are ready but were not seen do as the others.
            _ => Reading.Of(snapshot, _metric.Metric) is { } average ? (average * ready, ready) : (null, 0),
        };
    }

    private string Saw(double? average, double level, double rise, double piled, double? residence) =>
        $"{(average is { } found ? MetricText.Of(_metric.Metric, null, found, _metric.Target) : MetricText.Missing(_metric.Metric, null))}, {MetricText.Value(level, ScaleUnit.Count)} requests/s"
        + (rise >= 0.05 * level && rise > 0 ? $", {MetricText.Value(rise, ScaleUnit.Count)}/s more by the time a new one is ready" : "")
        + (residence is not null && piled >= 1 ? $", {MetricText.Value(piled, ScaleUnit.Count)} piled up" : "");

    /// <summary>What was used of the metric, what was done with it, and what was done in all, a second: weighted by how recent it is.</summary>
    private sealed record Cost(double Used = 0, double Done = 0, double Load = 0, bool IsWarm = false)
    {
        /// <summary>For one request a second; null: not known.</summary>
        public double? Each => Done > 0 ? Used / Done : null;

        /// <summary>With a sample. Without requests it tells nothing of their cost. What new instances need is taken only until others have been seen.</summary>
        public Cost With(double used, double done, double load, double weight, bool isWarm)
        {
            if (done <= 0 || (IsWarm && !isWarm))
            {
                return this;
            }

            // The first of a warm one replaces what was learnt of new ones, unless it is a bad second itself.
            return Done <= 0 || (isWarm && !IsWarm && used * Done <= Used * done) ? new Cost(used, done, load, isWarm)
                : new Cost(Blend(Used, used, weight), Blend(Done, done, weight), Blend(Load, load, weight), isWarm);
        }
    }

    /// <summary>What those did that are past their warm-up.</summary>
    /// <param name="Used">Of the metric.</param>
    /// <param name="Begun">Requests a second that they were given.</param>
    /// <param name="AllBegun">Those that all were given.</param>
    /// <param name="Count">How many they are.</param>
    /// <param name="AsAll">What all that are ready would use if they were like these, by their number or by their requests; null: there are none.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Warm(double Used, double Begun, double AllBegun, int Count, double? AsAll);

    private static double Blend(double? old, double sample, double weight) => old is { } before ? before + (weight * (sample - before)) : sample;
}
