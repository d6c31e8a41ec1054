using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests;

public sealed class AutoscalerTests
{
    private static readonly ScaleMetric InFlight = new() { Metric = ScalingMetric.InFlight, Target = Seen.Count(1.4) };

    public static TheoryData<ScaleAlgorithm> Algorithms => [ScaleAlgorithm.Demand, ScaleAlgorithm.Hpa, ScaleAlgorithm.Kpa];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void The_number_is_never_outside_min_and_max(ScaleAlgorithm algorithm) => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        ArbMap.Default.ArbFor<NonEmptyArray<NormalFloat>>(),
        (min, loads) =>
        {
            var scale = Rules(algorithm) with { Min = 1 + (min.Get % 5), Max = 1 + (min.Get % 9) + (min.Get % 5) };
            var decisions = Play.Run(scale, second => Math.Abs((double)loads.Get[(int)(second / 20) % loads.Get.Length]) % 3000, 200, start: scale.Min);
            Assert.All(decisions, decision => Assert.InRange(decision.To, scale.Min, scale.Most));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_constant_load_comes_to_rest(ScaleAlgorithm algorithm) => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        load =>
        {
            var decisions = Play.Run(Rules(algorithm), _ => 20 + (load.Get * 37 % 1900), 1500);
            var late = decisions.Skip(decisions.Count / 2).ToList();
            Assert.True(late.TrueForAll(decision => !decision.IsChange), string.Join('\n', late.Where(decision => decision.IsChange)));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Nothing_is_removed_while_data_is_missing(ScaleAlgorithm algorithm) => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        blind =>
        {
            // Little load, so that everything speaks for fewer; and from some second on nothing is seen.
            var from = blind.Get % 50;
            var decisions = Play.Run(Rules(algorithm), _ => 10, 600, start: 10, see: (second, snapshot) => second < from ? snapshot : Blind(snapshot, blind.Get % 3));
            var first = decisions.FindIndex(decision => decision.At >= Seen.Noon + Seen.Seconds(from));
            Assert.All(decisions.Skip(first), decision => Assert.True(decision.To >= decision.From, decision.ToString()));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void The_same_is_decided_from_the_same(ScaleAlgorithm algorithm)
    {
        static double Load(double second) => second is > 60 and < 300 ? 1500 : 150;

        Assert.Equal(Play.Run(Rules(algorithm), Load, 900), Play.Run(Rules(algorithm), Load, 900));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_step_is_met_and_given_back(ScaleAlgorithm algorithm)
    {
        var decisions = Play.Run(Rules(algorithm), second => second is > 60 and < 400 ? 1300 : 130, 1200);

        Assert.InRange(decisions.Max(decision => decision.To), 17, algorithm == ScaleAlgorithm.Demand ? 28 : 40); // 1300 requests/s are 18.6 instances at 70%
        Assert.Equal(2, decisions[^1].To);
    }

    [Fact]
    public void The_metric_that_asks_for_most_counts()
    {
        var scale = new Scale { Min = 1, Max = 20, Algorithm = ScaleAlgorithm.Hpa, Metrics = [Seen.Cpu(0.7), Seen.Requests(100)] };

        var (decision, _) = Autoscaler.For(scale).Decide(Seen.Of(Seen.Ready(cpu: 0.7, requests: 250), Seen.Ready(cpu: 0.7, requests: 250)));

        Assert.Equal((5, ScalingLimit.None), (decision.To, decision.Limit));
        Assert.Equal("requests/s of an instance at 250 (target 100): wants 5", decision.Reason);
    }

    [Fact]
    public void One_metric_that_was_not_seen_prevents_removing_but_not_adding()
    {
        var scale = new Scale { Min = 1, Max = 20, Algorithm = ScaleAlgorithm.Hpa, Metrics = [Seen.Cpu(0.7), Seen.Requests(100)], In = new ScaleRate { Window = TimeSpan.Zero } };

        var fewer = Autoscaler.For(scale).Decide(Seen.Of(Seen.Ready(cpu: 0.1), Seen.Ready(cpu: 0.1))).Decision;
        var more = Autoscaler.For(scale).Decide(Seen.Of(Seen.Ready(cpu: 1), Seen.Ready(cpu: 1))).Decision;

        Assert.Equal((2, ScalingLimit.MissingData), (fewer.To, fewer.Limit));
        Assert.Contains("requests/s of an instance was not seen", fewer.Reason, StringComparison.Ordinal);
        Assert.Equal(3, more.To);
    }

    [Theory]
    [InlineData(12, null, null, 12, ScalingLimit.None)]
    [InlineData(12, null, 5, 5, ScalingLimit.Machine)]
    [InlineData(12, null, 1, 2, ScalingLimit.Machine)] // what there is stays
    [InlineData(12, 3, null, 3, ScalingLimit.Pin)]
    [InlineData(40, null, null, 20, ScalingLimit.Max)]
    public void A_wish_is_held_by_what_there_is(int wish, int? pinned, int? room, int to, ScalingLimit limit)
    {
        var scale = new Scale { Min = 2, Max = 20, Algorithm = ScaleAlgorithm.Demand, Metrics = [Seen.Requests(100)] };
        var snapshot = Seen.Of(Seen.Ready(), Seen.Ready()) with { Traffic = new TrafficSample(wish * 100, 5), Pinned = pinned, Room = room, Over = TimeSpan.FromHours(1) };

        var (decision, _) = Autoscaler.For(scale).Decide(snapshot);

        Assert.Equal((to, limit, (int?)wish), (decision.To, decision.Limit, decision.Wanted));
    }

    [Fact]
    public void A_service_whose_number_is_out_of_bounds_is_brought_back_at_once()
    {
        var scale = new Scale { Min = 3, Max = 6, Metrics = [Seen.Cpu(0.7)] };

        Assert.Equal(3, Autoscaler.For(scale).Decide(Seen.Of(Seen.Ready())).Decision.To);
        Assert.Equal(6, Autoscaler.For(scale).Decide(Seen.Of([.. Enumerable.Repeat(Seen.Ready(), 9)])).Decision.To);
    }

    [Fact]
    public void With_min_equal_to_max_nothing_changes() =>
        Assert.All(Play.Run(Rules(ScaleAlgorithm.Demand) with { Min = 4, Max = 4 }, second => second * 10, 300, start: 4), decision => Assert.Equal(4, decision.To));

    [Fact]
    public void A_load_that_flaps_does_not_make_the_number_flap()
    {
        var decisions = Play.Run(Rules(ScaleAlgorithm.Demand), second => second % 20 < 10 ? 1000 : 100, 900);
        var late = decisions.Skip(300).ToList();

        Assert.True(late.Count(decision => decision.IsChange) <= 2, string.Join('\n', late.Where(decision => decision.IsChange)));
    }

    [Fact]
    public void A_jump_of_the_wall_clock_changes_nothing_but_schedules()
    {
        var straight = Play.Run(Rules(ScaleAlgorithm.Demand), second => second > 100 ? 900 : 200, 400);
        var jumping = Play.Run(Rules(ScaleAlgorithm.Demand), second => second > 100 ? 900 : 200, 400, see: (second, snapshot) => snapshot with { At = snapshot.At + (second > 120 ? TimeSpan.FromDays(-400) : TimeSpan.FromHours(9)) });

        Assert.Equal(straight.Select(decision => decision.To), jumping.Select(decision => decision.To));
    }

    private static Scale Rules(ScaleAlgorithm algorithm) => new()
    {
        Min = 1, Max = 40, Algorithm = algorithm, Metrics = algorithm == ScaleAlgorithm.Kpa ? [InFlight] : [Seen.Cpu(0.7)],
    };

    private static Snapshot Blind(Snapshot snapshot, int how) => how switch
    {
        0 => snapshot with { Traffic = null, Instances = [.. snapshot.Instances.Select(one => one with { Cpu = null, RequestsPerSecond = null, InFlight = null })] },
        1 => snapshot with { Traffic = new TrafficSample(double.NaN, double.NaN), Instances = [.. snapshot.Instances.Select(one => one with { Cpu = double.NaN, RequestsPerSecond = double.PositiveInfinity })] },
        _ => snapshot with { Traffic = new TrafficSample(-5, double.NegativeInfinity), Instances = [.. snapshot.Instances.Select(one => one with { Cpu = -1 })] },
    };
}
