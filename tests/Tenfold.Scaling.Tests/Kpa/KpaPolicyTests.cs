using Tenfold.Guide;
using Tenfold.Scaling.Kpa;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Kpa;

public sealed class KpaPolicyTests
{
    private static readonly ScaleMetric Concurrency = new() { Metric = ScalingMetric.InFlight, Target = Seen.Count(10) };

    [Fact]
    public void A_steady_load_is_its_average_of_a_minute_in_parts_of_the_target() => Assert.Equal(4, new Player(4).For(120, 35).Count);

    [Fact]
    public void Twice_of_what_is_ready_within_six_seconds_is_a_panic()
    {
        var player = new Player(4).For(120, 35);

        var panic = player.For(6, 90); // 9 of 4 are ready

        Assert.Equal(9, panic.Count);
        Assert.Contains("panic", panic.Saw, StringComparison.Ordinal);
    }

    [Fact]
    public void Less_than_twice_is_no_panic_but_the_average() => Assert.Equal(4, new Player(4).For(120, 35).For(6, 69).Count); // (54 x 35 + 6 x 69) / 60 = 38

    [Fact]
    public void In_a_panic_nothing_is_removed_until_it_has_been_calm_for_a_minute()
    {
        var player = new Player(4).For(120, 35).For(10, 200);
        Assert.Equal(20, player.Count);
        player.Ready = 20;

        Assert.Equal(20, player.For(58, 10).Count);
        Assert.InRange(player.For(10, 10).Count, 1, 10);
    }

    [Fact]
    public void At_most_half_is_removed_at_once() => Assert.Equal(5, new Player(10).For(120, 0).Count);

    [Fact]
    public void After_a_restart_what_is_there_is_kept_until_the_window_is_full()
    {
        var player = new Player(10) { IsFirst = true };

        Assert.Equal(10, player.For(2, 5).Count);
        Assert.Equal(10, player.For(50, 5).Count);
        Assert.Equal(5, player.For(20, 5).Count);
    }

    private sealed class Player(int ready)
    {
        private IScalingPolicy _policy = new KpaPolicy(Concurrency);
        private double _now = 1000;

        public int Ready { get; set; } = ready;

        public bool IsFirst { get; init; }

        public int Count { get; private set; }

        public string Saw { get; private set; } = "";

        public Player For(double seconds, double inFlight)
        {
            for (var end = _now + seconds; _now < end; _now += 2)
            {
                var snapshot = Seen.At(_now, [.. Enumerable.Repeat(Seen.Ready(), Ready)]) with { Over = Seen.Seconds(2), Traffic = new TrafficSample(1, inFlight) };
                var (proposal, next) = _policy.Propose(snapshot);
                (_policy, Count, Saw) = (next, proposal.Count, proposal.Saw);
            }

            return this;
        }
    }
}
