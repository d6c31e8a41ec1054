using System.Collections.Immutable;
using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Steps;

/// <summary>
/// Step scaling by alarms, as of AWS and the guides that are written for it. Out: the alarm that asks for most. In: only while every alarm that removes sounds,
/// and then the one that removes least. What was not seen silences an alarm, and its time begins anew.
/// </summary>
internal sealed class StepPolicy : IScalingPolicy
{
    private static readonly TimeSpan StartUnknown = TimeSpan.FromSeconds(30);

    private readonly ImmutableArray<ScaleStep> _steps;
    private readonly ImmutableArray<TimeSpan?> _since; // when each alarm's condition began to hold
    private readonly Cooling _out;
    private readonly Cooling _in;

    public StepPolicy(IEnumerable<ScaleStep> steps)
    {
        _steps = [.. steps];
        _since = [.. _steps.Select(_ => (TimeSpan?)null)];
        (_out, _in) = (Cooling.None, Cooling.None);
    }

    private StepPolicy(ImmutableArray<ScaleStep> steps, ImmutableArray<TimeSpan?> since, Cooling coolingOut, Cooling coolingIn) =>
        (_steps, _since, _out, _in) = (steps, since, coolingOut, coolingIn);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        var (now, count) = (snapshot.Now, snapshot.Count);
        var since = new TimeSpan?[_steps.Length];
        var (cooledOut, cooledIn) = (_out.Seen(count, isOut: true), _in.Seen(count, isOut: false));
        var isBlind = false;
        (int Count, ScaleStep? Step, double Value) most = (count, null, 0), least = (0, null, 0);
        var everyIn = true;
        string? silent = null;
        for (var i = 0; i < _steps.Length; i++)
        {
            var step = _steps[i];
            var value = Reading.Of(snapshot, step.Metric, step.Queue);
            isBlind |= value is null && !IsQuiet(snapshot, step.Metric);
            var holds = value is { } found && (step.Above is { } above ? found > above.Value : found < step.Below!.Value.Value);
            since[i] = holds ? _since[i] ?? now : null;
            var sounds = since[i] is { } began && now - began >= step.For;
            silent ??= value is { } shown ? MetricText.Of(step.Metric, step.Queue, shown, step.Above ?? step.Below!.Value) : null;
            everyIn &= sounds || step.Below is null;
            var asked = (Count: To(step, count), Step: step, Value: value ?? 0);
            if (sounds && step.Above is not null && asked.Count > most.Count)
            {
                most = asked;
            }
            else if (sounds && step.Below is not null && asked.Count >= least.Count)
            {
                least = asked;
            }
        }

        var proposal = most.Step is not null && AreStarting(snapshot) ? Proposal.Nothing($"{Said(most.Step, most.Value)}, while others start")
            : most.Step is not null ? Out(most, cooledOut, now)
            : everyIn && least.Step is not null ? In(least, cooledIn, now, count)
            : isBlind ? Proposal.Blind("a metric of its steps was not seen") : Proposal.Nothing($"{silent}: no alarm");
        if (proposal.Kind == ProposalKind.Wish)
        {
            (cooledOut, cooledIn) = proposal.Count > count ? (cooledOut.Asked(now, count, most.Step!.Cooldown), cooledIn) : (cooledOut, cooledIn.Asked(now, count, LongestIn()));
        }

        return (proposal, new StepPolicy(_steps, [.. since], cooledOut, cooledIn));
    }

    // Nobody asks for anything, so nothing has a latency: that was seen well enough.
    private static bool IsQuiet(Snapshot snapshot, ScalingMetric metric) =>
        metric is ScalingMetric.Average or ScalingMetric.P95 or ScalingMetric.P99 && snapshot.Traffic is { RequestsPerSecond: 0 };

    // Those that were asked for are given as long as a start takes before more are.
    private static bool AreStarting(Snapshot snapshot)
    {
        var patience = snapshot.StartTime ?? StartUnknown;
        for (var i = 0; i < snapshot.Instances.Count; i++)
        {
            if (snapshot.Instances[i] is { Phase: InstancePhase.Starting, Age: var age } && age <= patience)
            {
                return true;
            }
        }

        return false;
    }

    // All of them have sounded.
    private TimeSpan LongestIn() => _steps.Where(step => step.Below is not null).Max(step => step.Cooldown);

    private static Proposal Out((int Count, ScaleStep? Step, double Value) found, Cooling cooling, TimeSpan now) =>
        cooling.Left(now) is { } left ? Proposal.Nothing($"{Said(found.Step!, found.Value)}, in cooldown for {Duration.Format(left)}") : Proposal.Of(found.Count, Said(found.Step!, found.Value));

    private static Proposal In((int Count, ScaleStep? Step, double Value) found, Cooling cooling, TimeSpan now, int count) =>
        found.Count >= count ? Proposal.Nothing(Said(found.Step!, found.Value)) : Out(found, cooling, now);

    private static string Said(ScaleStep step, double value)
    {
        var (word, limit) = step.Above is { } above ? ("above", above) : ("below", step.Below!.Value);
        return $"{MetricText.Name(step.Metric, step.Queue)} at {MetricText.Value(value, limit.Unit)}, {word} {MetricText.Value(limit.Value, limit.Unit)}{(step.For > TimeSpan.Zero ? $" for {Duration.Format(step.For)}" : "")}";
    }

    private static int To(ScaleStep step, int count) => step switch
    {
        { To: { } exact } => step.Above is not null ? Math.Max(count, exact) : Math.Min(count, exact),
        { Percent: { } percent } => percent > 0 ? count + Math.Max(1, Counts.Ceiling(count * percent / 100.0)) : Math.Max(0, count - Math.Max(1, count * -percent / 100)),
        { Change: { } change } => Math.Max(0, count + change),
        _ => count,
    };

    /// <summary>A cooldown begins when it asks, if the number then changes.</summary>
    private sealed record Cooling(TimeSpan? Until, TimeSpan AskedUntil, int? AskedAt)
    {
        public static readonly Cooling None = new(null, default, null);

        public Cooling Asked(TimeSpan now, int count, TimeSpan cooldown) => this with { AskedAt = count, AskedUntil = now + cooldown };

        public Cooling Seen(int count, bool isOut) => AskedAt is not { } before ? this
            : (isOut ? count > before : count < before) ? new Cooling(AskedUntil, default, null) : this with { AskedAt = null };

        public TimeSpan? Left(TimeSpan now) => Until is { } until && until > now ? until - now : null;
    }
}
