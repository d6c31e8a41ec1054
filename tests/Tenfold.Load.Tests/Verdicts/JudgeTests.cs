using Tenfold.Guide;
using Tenfold.Load.Results;
using Tenfold.Load.Verdicts;
using static Tenfold.Load.Tests.Reports.Results;

namespace Tenfold.Load.Tests.Verdicts;

public sealed class JudgeTests
{
    [Theory]
    [InlineData(95, Outcome.Met)] // exactly the limit
    [InlineData(94, Outcome.Missed)]
    public void A_percentile_may_be_as_large_as_its_limit(double limit, Outcome outcome) =>
        Assert.Equal(outcome, One(Stats(100), new Thresholds { P95 = TimeSpan.FromMilliseconds(limit * 1.0005) }).Outcome);

    [Theory]
    [InlineData(19, 1000, Outcome.NotEnoughSamples)] // a p95 needs 20
    [InlineData(20, 1000, Outcome.Met)]
    [InlineData(19, 18.5, Outcome.NotEnoughSamples)] // one over the limit could still be the one of 20
    [InlineData(19, 17.5, Outcome.Missed)] // two could not
    [InlineData(1, 0.5, Outcome.NotEnoughSamples)]
    [InlineData(0, 1000, Outcome.NotEnoughSamples)]
    public void A_percentile_of_too_few_samples_is_not_judged_unless_it_is_lost_already(int count, double limit, Outcome outcome)
    {
        var judgement = One(Stats(count), new Thresholds { P95 = TimeSpan.FromMilliseconds(limit) });
        Assert.Equal((outcome, 20, count), (judgement.Outcome, judgement.Needed, judgement.Samples));
    }

    [Theory]
    [InlineData(0, 1, Outcome.NotEnoughSamples, Outcome.Missed)] // one without an answer could still be the one of 20
    [InlineData(0, 2, Outcome.Missed, Outcome.Missed)]
    [InlineData(10, 2, Outcome.Missed, Outcome.Met)]
    [InlineData(20, 1, Outcome.Met, Outcome.Met)]
    public void Requests_without_an_answer_do_not_hide_a_latency_that_cannot_be_held(int answered, int unanswered, Outcome p95, Outcome average)
    {
        var stats = Stats(answered);
        for (var i = 0; i < unanswered; i++)
        {
            stats.Record(null, ErrorKind.Connect);
        }

        Assert.Equal(p95, One(stats, new Thresholds { P95 = TimeSpan.FromSeconds(1) }).Outcome);
        Assert.Equal(average, One(stats, new Thresholds { Average = TimeSpan.FromSeconds(1) }).Outcome);
    }

    [Theory]
    [InlineData(100, 1, Outcome.Met)]
    [InlineData(100, 2, Outcome.Missed)]
    [InlineData(50, 0, Outcome.NotEnoughSamples)]
    [InlineData(50, 1, Outcome.NotEnoughSamples)]
    [InlineData(50, 2, Outcome.Missed)]
    public void A_share_of_errors_needs_enough_requests(int count, int failed, Outcome outcome) =>
        Assert.Equal(outcome, One(Stats(count, failed), new Thresholds { Errors = new Percentage(0.01) }).Outcome);

    [Theory]
    [InlineData(0, Outcome.Met)]
    [InlineData(1, Outcome.Missed)]
    public void No_errors_at_all_can_be_asked_for(int failed, Outcome outcome) =>
        Assert.Equal(outcome, One(Stats(3, failed), new Thresholds { Errors = new Percentage(0) }).Outcome);

    [Theory]
    [InlineData(120, Outcome.Met)]
    [InlineData(120.5, Outcome.Met)]
    [InlineData(121, Outcome.Missed)]
    public void A_rate_is_held_from_its_limit_up(double limit, Outcome outcome) =>
        Assert.Equal(new Judgement("all", Measure.Rate, limit, 120.5, outcome, 3, 1), One(Stats(3), new Thresholds { RequestsPerSecond = limit }));

    [Fact]
    public void Average_median_and_max_are_judged()
    {
        var judged = Judge.Total(Stats(100), 0, new Thresholds
        {
            Average = TimeSpan.FromMilliseconds(50.5), P50 = TimeSpan.FromMilliseconds(49), P99 = TimeSpan.FromMilliseconds(99.1), Max = TimeSpan.FromMilliseconds(100),
        });
        Assert.Equal([Outcome.Met, Outcome.Missed, Outcome.Met, Outcome.Met], judged.Select(j => j.Outcome));
    }

    [Fact]
    public void A_route_is_judged_by_what_its_budget_sets_and_nothing_else()
    {
        var judged = Judge.Route("GET /api/products", Stats(100), Products).ToArray();
        Assert.Equal([Measure.Average, Measure.P95, Measure.P99, Measure.Errors], judged.Select(j => j.Measure));
        Assert.Equal([Outcome.Met, Outcome.Missed, Outcome.Met, Outcome.Met], judged.Select(j => j.Outcome));
    }

    private static Judgement One(RouteStats stats, Thresholds thresholds) => Assert.Single(Judge.Total(stats, 120.5, thresholds));
}
