using System.Globalization;
using Tenfold.Guide;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;
using Tenfold.Load.Reports;

namespace Tenfold.Load.Verdicts;

/// <summary>What a load test says in the end.</summary>
public enum LoadOutcome
{
    /// <summary>No limit was missed. Exit code 0.</summary>
    Met,

    /// <summary>At least one limit was missed. Exit code 1.</summary>
    Missed,

    /// <summary>The generator, not the target, was the limit: the figures say nothing. Exit code 4.</summary>
    Invalid,

    /// <summary>Ended early by the user. Exit code 130.</summary>
    Interrupted,
}

/// <summary>Every limit and whether the measurement can be trusted. Immutable.</summary>
/// <param name="Budgets">By route.</param>
/// <param name="Thresholds">For all requests together.</param>
/// <param name="Invalid">Why the measurement is not valid; empty when it is.</param>
/// <param name="Notes">What a reader should know beside it.</param>
/// <param name="Outcome">All of it in one word.</param>
public sealed record LoadVerdict(IReadOnlyList<Judgement> Budgets, IReadOnlyList<Judgement> Thresholds, IReadOnlyList<string> Invalid, IReadOnlyList<string> Notes, LoadOutcome Outcome)
{
    private const double Busy = 0.9;

    /// <summary>The command's exit code: 0 met, 1 missed, 4 invalid, 130 interrupted.</summary>
    public int ExitCode => Outcome switch { LoadOutcome.Met => 0, LoadOutcome.Missed => 1, LoadOutcome.Invalid => 4, _ => 130 };

    /// <summary>Judges a result. Pure.</summary>
    /// <param name="result">What was measured.</param>
    /// <param name="budgets">All budgets of the guide.</param>
    /// <param name="thresholds">Of the test.</param>
    public static LoadVerdict Of(LoadResult result, IReadOnlyList<Budget> budgets, Thresholds thresholds)
    {
        ArgumentNullException.ThrowIfNull(result);
        Judgement[] routes = [.. result.Routes.Where(r => r.Budget is not null).SelectMany(r => Judge.Route(r.Name, r.Stats, r.Budget!))];
        Judgement[] total = [.. Judge.Total(result.Total, result.Timeline.BestRate(), thresholds)];
        var invalid = Faults(result).ToArray();
        var outcome = result.Interrupted ? LoadOutcome.Interrupted
            : invalid.Length > 0 ? LoadOutcome.Invalid
            : routes.Concat(total).Any(j => j.Outcome == Verdicts.Outcome.Missed) ? LoadOutcome.Missed
            : LoadOutcome.Met;
        return new LoadVerdict(routes, total, invalid, [.. Remarks(result, budgets)], outcome);
    }

    private static IEnumerable<string> Faults(LoadResult result)
    {
        var schedule = result.Schedule;
        if (result.Total.Count == 0)
        {
            yield return "no request ended, so nothing was measured";
        }

        if (schedule.LocalFailures > 0)
        {
            yield return Invariant($"{schedule.LocalFailures:N0} connections could not be opened by this machine: it ran out of local ports or open files");
        }

        var late = result.Model == LoadModel.Open && schedule.LagP99 > schedule.LagLimit;
        if (late)
        {
            yield return Invariant($"arrivals began late: 1 in 100 more than {Units.Time(schedule.LagP99)} after its time (limit {Units.Time(schedule.LagLimit)}, the worst {Units.Time(schedule.LagMax)}); the generator worked {Units.Share(schedule.BusyShare)} of the time: this machine is too slow or too busy for the rate");
        }

        if (schedule.Dropped > 0)
        {
            var why = late ? "" : "; the target answers more slowly than they arrive, so raise --max-in-flight or lower the rate";
            yield return Invariant($"{schedule.Dropped:N0} of {schedule.Planned:N0} arrivals were dropped: {schedule.MostInFlight:N0} were already under way{why}");
        }

        if (!result.Interrupted && schedule.Started + schedule.Dropped < schedule.Planned)
        {
            yield return Invariant($"only {schedule.Started:N0} of {schedule.Planned:N0} arrivals began before the end: the generator could not keep the rate");
        }
    }

    private static IEnumerable<string> Remarks(LoadResult result, IReadOnlyList<Budget> budgets)
    {
        var schedule = result.Schedule;
        if (result.Interrupted)
        {
            yield return Invariant($"incomplete: ended after {Units.Time(result.Elapsed)} of {Units.Time(Stages.Total(result.Stages))}, {result.Unanswered:N0} requests unanswered");
        }

        if (result.Model == LoadModel.Closed && schedule.BusyShare > Busy)
        {
            yield return Invariant($"the generator worked {Units.Share(schedule.BusyShare)} of the time, so the latencies hold its own queue as well: use more threads or a faster machine");
        }

        if (result.Model == LoadModel.Closed && schedule.LagP99 > schedule.LagLimit)
        {
            yield return Invariant($"users went on late after their pauses: 1 in 100 more than {Units.Time(schedule.LagP99)}, so this machine is busy; the latencies may hold some of that");
        }

        var untested = budgets.Where(b => result.Routes.All(r => r.Budget != b)).Select(b => b.Route.ToString()).ToArray();
        if (untested.Length > 0)
        {
            yield return $"budgets that this test has no request for: {string.Join(", ", untested)}";
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
