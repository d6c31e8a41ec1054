using Tenfold.Guide;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;
using Tenfold.Load.Verdicts;
using static Tenfold.Load.Tests.Reports.Results;

namespace Tenfold.Load.Tests.Verdicts;

public sealed class LoadVerdictTests
{
    private static readonly LoadResult Closed = Of(new RouteResult("GET /api/products", Products, Stats(100)));
    private static readonly LoadResult Open = Closed with { Model = LoadModel.Open, Schedule = OnTime with { Planned = 100 } };

    [Fact]
    public void A_missed_budget_is_exit_code_1() => Assert.Equal((LoadOutcome.Missed, 1), Judged(Closed));

    [Fact]
    public void A_missed_threshold_is_exit_code_1() =>
        Assert.Equal(1, LoadVerdict.Of(Of(new RouteResult("GET /x", null, Stats(100))), [], new Thresholds { Max = TimeSpan.FromMilliseconds(1) }).ExitCode);

    [Fact]
    public void Nothing_missed_is_exit_code_0() => Assert.Equal((LoadOutcome.Met, 0), Judged(Of(new RouteResult("GET /x", null, Stats(100)))));

    [Fact]
    public void Ending_early_is_exit_code_130_whatever_was_measured() => Assert.Equal((LoadOutcome.Interrupted, 130), Judged(Closed with { Interrupted = true }));

    [Fact]
    public void Nothing_measured_is_invalid() => Assert.Equal((LoadOutcome.Invalid, 4), Judged(Of()));

    [Fact]
    public void What_the_generator_could_not_do_is_invalid_even_when_limits_are_missed()
    {
        Assert.Equal("3 of 100 arrivals were dropped: 10,000 were already under way; the target answers more slowly than they arrive, so raise --max-in-flight or lower the rate", Reason(Open, s => s with { Started = 97, Dropped = 3 }));
        Assert.Equal("2 connections could not be opened by this machine: it ran out of local ports or open files", Reason(Closed, s => s with { LocalFailures = 2 }));
        Assert.Equal("arrivals began late: 1 in 100 more than 35 ms after its time (limit 20 ms, the worst 1.2 s); the generator worked 98% of the time: this machine is too slow or too busy for the rate", Reason(Open, s => s with { LagP99 = TimeSpan.FromMilliseconds(35), LagMax = TimeSpan.FromSeconds(1.2), BusyShare = 0.98 }));
        Assert.Equal("only 90 of 100 arrivals began before the end: the generator could not keep the rate", Reason(Open, s => s with { Started = 90 }));
    }

    [Fact]
    public void A_closed_model_has_no_rate_to_keep_so_lag_is_a_note()
    {
        var verdict = LoadVerdict.Of(Closed with { Schedule = OnTime with { LagP99 = TimeSpan.FromMilliseconds(35), BusyShare = 0.95 } }, [], new Thresholds());
        Assert.Empty(verdict.Invalid);
        Assert.Equal(2, verdict.Notes.Count);
    }

    [Fact]
    public void Budgets_without_a_request_are_named() =>
        Assert.Equal(["budgets that this test has no request for: POST /api/login"], LoadVerdict.Of(Closed, [Products, Login], new Thresholds()).Notes);

    private static (LoadOutcome Outcome, int ExitCode) Judged(LoadResult result)
    {
        var verdict = LoadVerdict.Of(result, [], new Thresholds());
        return (verdict.Outcome, verdict.ExitCode);
    }

    private static string Reason(LoadResult result, Func<ScheduleResult, ScheduleResult> change)
    {
        var verdict = LoadVerdict.Of(result with { Schedule = change(result.Schedule) }, [], new Thresholds());
        Assert.Equal(4, verdict.ExitCode);
        return Assert.Single(verdict.Invalid);
    }
}
