using ScalingDriver;
using ScalingDriver.Model;
using ScalingDriver.Policies;
using ScalingDriver.Traces;

namespace Tenfold.Scaling.Tests.Bench;

/// <summary>The bench's plays: bench/compare/run scaling.</summary>
public sealed class PlayTests
{
    private static readonly InstanceModel Model = new();

    public static TheoryData<string> Policies => [.. Policy.All(Model).Select(policy => policy.Name)];

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_play_has_the_same_outcome_each_time_and_stays_within_its_bounds(string policy)
    {
        var first = Run("flash", policy);

        Assert.Equal(first, Run("flash", policy));
        var (min, max) = PolicyOf(policy).Make(TraceOf("flash")).Bounds;
        Assert.InRange(first.Most, min, max);
        Assert.InRange(first.InstanceSeconds, min * 1800.0, (max + 50) * 1800.0);
    }

    [Fact]
    public void Without_rules_the_number_stays_and_what_it_cannot_carry_fails()
    {
        var outcome = Run("step", "tasks");

        // Three instances for 25 minutes; 1,500 requests/s at 300 for 10 minutes, and ten seconds of work that wait at their end.
        Assert.Equal((3, 4500, 0), (outcome.Most, outcome.InstanceSeconds, outcome.Turns));
        Assert.InRange(outcome.Violations, 600, 625);
        Assert.Equal((1200 * 600) - 3000, outcome.Failed, 0.02 * 1200 * 600);
    }

    [Fact]
    public void Prediction_is_ready_for_a_load_that_comes_back_each_hour()
    {
        var without = Run("hourly", Policy.Own);
        var with = Run("hourly", Policy.Predicting);

        Assert.InRange(with.Violations, 0, without.Violations / 2);
        Assert.InRange(with.InstanceSeconds, 0, 1.1 * without.InstanceSeconds);
    }

    [Fact]
    public void Arrivals_scatter_like_a_Poisson_process()
    {
        var trace = TraceOf("constant");
        var arrivals = Enumerable.Range(0, 3600).Select(trace.Arriving).ToList();
        var mean = arrivals.Average();

        Assert.Equal(300, mean, 2.0);
        Assert.Equal(300, arrivals.Average(one => (one - mean) * (one - mean)), 30.0);
    }

    [Fact]
    public void A_made_up_day_stands_in_for_the_recorded_one()
    {
        Assert.Equal(["worldcup", "two-days"], WorldCup.Synthetic().Select(trace => trace.Name));
        Assert.All(WorldCup.Synthetic(), trace => Assert.InRange(Enumerable.Range(0, trace.Seconds / 60).Max(minute => trace.Rate(minute * 60)), 1000, 1600));
    }

    private static Outcome Run(string trace, string policy) => Play.Run(Model, TraceOf(trace), PolicyOf(policy).Make(TraceOf(trace)));

    private static Policy PolicyOf(string name) => Policy.All(Model).Single(policy => policy.Name == name);

    private static Trace TraceOf(string name) => Shapes.All().Concat(Shapes.Seasons).Single(trace => trace.Name == name);
}
