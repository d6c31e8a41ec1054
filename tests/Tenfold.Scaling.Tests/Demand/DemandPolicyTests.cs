using Tenfold.Guide;
using Tenfold.Scaling.Demand;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Demand;

public sealed class DemandPolicyTests
{
    [Fact]
    public void What_arrives_is_met_at_once_also_beyond_what_the_instances_can_do()
    {
        // Four instances of 100/s at 70%; then four times as much arrives: their cpu cannot say more than 100%.
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6);

        Assert.InRange(player.For(1, 1120, cpu: 1, inFlight: 726).Count, 15, 17); // what may be chance is left out
    }

    [Fact]
    public void What_has_piled_up_is_worked_off_beside()
    {
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6);

        Assert.InRange(player.For(1, 280, cpu: 1, inFlight: 1300).Count, 6, 7); // (280 + 1300 / 10) / 70
        Assert.Contains("piled up", player.Saw, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rise_is_met_as_far_ahead_as_an_instance_takes_to_start()
    {
        var steady = new Player(Seen.Cpu(0.7), 4) { StartTime = Seen.Seconds(20) }.For(60, 280, cpu: 0.7, inFlight: 6);
        var rising = new Player(Seen.Cpu(0.7), 4) { StartTime = Seen.Seconds(20) }.For(60, 280, cpu: 0.7, inFlight: 6);
        for (var i = 1; i <= 30; i++)
        {
            rising.For(1, 280 + (7 * i), cpu: 0.7 * (280 + (7 * i)) / 280, inFlight: 6);
        }

        Assert.Equal(4, steady.Count);
        // 490/s now, and 140/s more in 20 s: 9 instances instead of 7.
        Assert.InRange(rising.Count, 9, 10);
        Assert.Contains("more by the time a new one is ready", rising.Saw, StringComparison.Ordinal);
    }

    [Fact]
    public void What_piles_up_and_what_a_rise_will_bring_is_wanted_for_the_moment_only()
    {
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6).For(1, 280, cpu: 1, inFlight: 1300);

        Assert.InRange(player.Lasting, 4, 5);
    }

    [Fact]
    public void A_load_that_goes_up_and_down_has_a_margin()
    {
        var player = new Player(Seen.Cpu(0.7), 8);
        for (var i = 0; i < 600; i++)
        {
            var load = 560 * (1 + (0.2 * Math.Sin(i / 5.0)));
            player.For(1, load, cpu: load / 800, inFlight: 10);
        }

        Assert.InRange(new Player(Seen.Cpu(0.7), 8).For(600, 560, cpu: 0.7, inFlight: 10).Count, 8, 8);
        Assert.InRange(player.Count, 9, 16);
    }

    [Fact]
    public void A_step_is_not_taken_for_a_slope()
    {
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6);
        for (var i = 0; i < 40; i++)
        {
            Assert.InRange(player.For(1, 380, cpu: 0.95, inFlight: 10).Count, 5, 6);
        }
    }

    [Fact]
    public void Chance_moves_nothing()
    {
        var random = new Random(7);
        var player = new Player(Seen.Requests(100), 10);
        for (var i = 0; i < 600; i++)
        {
            // Normal noise as large as that of a Poisson process of 950/s.
            var noise = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            player.For(1, 950 + (noise * Math.Sqrt(950)), cpu: 0.5, inFlight: 20);
            Assert.InRange(player.Count, 9, 10); // 9 once in a while, which the window of in holds back
        }
    }

    [Fact]
    public void Without_requests_nobody_is_wanted() => Assert.Equal(0, new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6).For(30, 0, cpu: 0, inFlight: 0).Count);

    [Fact]
    public void Work_beside_requests_counts_by_what_it_uses() => Assert.Equal(4, new Player(Seen.Cpu(0.7), 5).For(5, 280, cpu: 0.56, inFlight: 6).For(1, 10, cpu: 0.55, inFlight: 1).Count);

    [Fact]
    public void When_overloaded_instances_are_not_ready_any_more_what_a_request_costs_is_still_known()
    {
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var calm = Seen.At(0, [.. Enumerable.Repeat(Seen.Ready(0.7), 4)]) with { Traffic = new TrafficSample(280, 6) };
        var ill = Seen.At(15, [.. Enumerable.Repeat(Seen.Ready() with { Phase = InstancePhase.Unready }, 4)]) with { Traffic = new TrafficSample(840, 900) };

        (_, policy) = policy.Propose(calm);

        Assert.InRange(policy.Propose(ill).Proposal.Count, 12, 14);
        Assert.Equal(ProposalKind.Blind, policy.Propose(ill with { Traffic = new TrafficSample(70, 6) }).Proposal.Kind);
    }

    [Fact]
    public void Work_beside_requests_that_fills_the_instances_brings_more_of_them()
    {
        Assert.Equal(6, new Player(Seen.Cpu(0.7), 4).For(60, 0, cpu: 0.95, inFlight: 0).Count);
        Assert.Equal(6, new Player(Seen.Cpu(0.7), 4).For(60, 20, cpu: 0.2, inFlight: 1).For(60, 0, cpu: 0.95, inFlight: 0).Count);
    }

    [Fact]
    public void A_long_silence_does_not_make_requests_dear()
    {
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 10, cpu: 0.1, inFlight: 1).For(300, 0, cpu: 0.02, inFlight: 3);

        Assert.InRange(player.For(1, 0, cpu: 0.9, inFlight: 3).Count, 1, 6);
        Assert.InRange(player.For(1, 10, cpu: 0.1, inFlight: 3).Count, 1, 2);
    }

    [Fact]
    public void Connections_that_stay_open_cost_what_they_are()
    {
        // WebSockets: five come and one goes in a second; ten thousand of them would be a hundred instances.
        var player = new Player(new ScaleMetric { Metric = ScalingMetric.InFlight, Target = Seen.Count(100) }, 10);
        for (var second = 0; second < 100; second++)
        {
            player.For(1, 5, cpu: 0.3, inFlight: 600 + (4 * second));
        }

        Assert.InRange(player.Count, 9, 11);
    }

    [Fact]
    public void A_few_requests_a_minute_are_not_taken_for_as_many_a_second()
    {
        var player = new Player(Seen.Cpu(0.7), 2);
        for (var second = 0; second < 300; second++)
        {
            player.For(1, second % 10 == 0 ? 1 : 0, cpu: second % 10 < 5 ? 0.5 : 0, inFlight: second % 10 < 5 ? 1 : 0);
            Assert.True(second < 60 || player.Count <= 2, $"{player.Count} after {second} s: {player.Saw}");
        }
    }

    [Fact]
    public void What_waits_while_instances_are_idle_brings_no_more_of_them()
    {
        // The database is gone: requests pile up, and nobody has anything to do.
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6);

        Assert.InRange(player.For(30, 280, cpu: 0.05, inFlight: 5000).Count, 1, 4);
    }

    [Fact]
    public void What_new_instances_need_to_warm_up_is_not_taken_for_the_cost_of_requests()
    {
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var count = 0;
        for (var second = 0; second < 70; second++)
        {
            var fresh = Seen.Ready(1) with { ReadyFor = Seen.Seconds(second - 60), Age = Seen.Seconds(second - 55) };
            var instances = second < 60 ? Enumerable.Repeat(Seen.Ready(0.7), 4) : [.. Enumerable.Repeat(Seen.Ready(0.7), 4), .. Enumerable.Repeat(fresh, 5)];
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [.. instances]) with { Over = Seen.Seconds(1), Traffic = new TrafficSample(second < 60 ? 280 : 560, 12) });
            (policy, count) = (next, proposal.Count);
        }

        Assert.InRange(count, 8, 9);
    }

    [Fact]
    public void The_few_that_are_warm_tell_the_cost_while_most_are_new()
    {
        // Two old ones learn to do a request for a quarter of what it took, and eight new ones compile: 400/s need four.
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var count = 0;
        for (var second = 0; second < 90; second++)
        {
            var isOld = second < 60;
            var old = Enumerable.Repeat(Seen.Ready(isOld ? 0.4 : 0.3, requests: isOld ? 10 : 40), 2);
            var young = Enumerable.Repeat(Seen.Ready(1, requests: 40) with { ReadyFor = Seen.Seconds((second - 60) % 15) }, isOld ? 0 : 8);
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [.. old, .. young]) with { Over = Seen.Seconds(1), Traffic = new TrafficSample(isOld ? 20 : 400, 8) });
            (policy, count) = (next, proposal.Count);
        }

        Assert.InRange(count, 4, 6);
    }

    [Fact]
    public void What_requests_cost_while_all_were_new_is_forgotten_with_the_first_that_is_warm()
    {
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var count = 0;
        for (var second = 0; second <= 15; second++)
        {
            var instance = Seen.Ready(second < 15 ? 1 : 0.1, requests: 10) with { ReadyFor = Seen.Seconds(second) };
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [instance, instance]) with { Over = Seen.Seconds(1), Traffic = new TrafficSample(20, 2) });
            (policy, count) = (next, proposal.Count);
        }

        Assert.Equal(1, count);
    }

    [Fact]
    public void A_bad_second_of_the_first_that_is_warm_does_not_replace_what_was_learnt()
    {
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var count = 0;
        for (var second = 0; second <= 15; second++)
        {
            // 20/s at 100 ms of an instance need three; the two requests of the second in which the first turns 15 s would make it fourteen.
            var first = Seen.Ready(1, requests: second < 15 ? 10 : 2) with { ReadyFor = Seen.Seconds(second) };
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [first, first with { ReadyFor = Seen.Seconds(second - 1) }]) with { Over = Seen.Seconds(1), Traffic = new TrafficSample(20, 2, Served: 20) });
            (policy, count) = (next, proposal.Count);
        }

        Assert.InRange(count, 3, 4);
    }

    [Fact]
    public void Warm_ones_that_are_not_busy_do_what_they_are_given_whatever_becomes_of_the_rest()
    {
        // 100/s take a warm one half of its time; new ones get a fourth of that and are busy with it.
        IScalingPolicy policy = new DemandPolicy(Seen.Cpu(0.7), 0.1);
        var count = 0;
        for (var second = 0; second < 75; second++)
        {
            var young = Enumerable.Repeat(Seen.Ready(1, requests: 25) with { ReadyFor = Seen.Seconds(second - 60) }, second < 60 ? 0 : 8);
            var traffic = second < 60 ? new TrafficSample(200, 4, Served: 200) : new TrafficSample(400, 8, Served: 240);
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [.. Enumerable.Repeat(Seen.Ready(0.5, requests: 100), 2), .. young]) with { Over = Seen.Seconds(1), Traffic = traffic });
            (policy, count) = (next, proposal.Count);
        }

        Assert.InRange(count, 3, 4);
    }

    [Fact]
    public void A_jump_is_met_by_what_requests_need_now_where_it_is_less_than_they_needed_before()
    {
        // At 20/s a request took 28 ms of an instance, with all that it does beside; at 200/s it takes 10 ms: 600/s need 9, not 24.
        var player = new Player(Seen.Cpu(0.7), 2).For(60, 20, cpu: 0.28, inFlight: 1);

        Assert.InRange(player.For(1, 600, cpu: 1, inFlight: 201, served: 200).Count, 8, 10);
    }

    [Fact]
    public void A_request_counts_as_one_request_also_where_many_fail() =>
        Assert.InRange(new Player(Seen.Requests(100), 4).For(60, 300, cpu: 0.7, inFlight: 6, served: 300).For(60, 800, cpu: 1, inFlight: 60, served: 200).Count, 8, 9);

    [Fact]
    public void A_request_is_one_also_while_a_backlog_is_worked_off() =>
        Assert.Equal(3, new Player(Seen.Requests(100), 4).For(60, 300, cpu: 0.7, inFlight: 6, served: 300).For(60, 300, cpu: 1, inFlight: 6, served: 900).Count);

    [Fact]
    public void Where_most_answers_are_failures_nothing_is_learnt_of_the_cost()
    {
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6, served: 280);

        // The pool of the database is exhausted: failures wait and cost; then they come at once and cost nothing.
        Assert.InRange(player.For(60, 400, cpu: 0.9, inFlight: 60, served: 40, failed: 360).Count, 6, 8);
        Assert.InRange(player.For(60, 400, cpu: 0.05, inFlight: 1, served: 0, failed: 400).Count, 6, 8);
        Assert.InRange(player.For(60, 400, cpu: 1, inFlight: 6, served: 400).Count, 6, 8);
    }

    [Fact]
    public void How_long_requests_take_at_new_instances_is_not_taken_for_how_long_they_take()
    {
        // In flight: 10 each. Warm ones answer in 100 ms, new ones in 500 ms.
        IScalingPolicy policy = new DemandPolicy(new ScaleMetric { Metric = ScalingMetric.InFlight, Target = Seen.Count(10) }, 0.1);
        var count = 0;
        for (var second = 0; second < 75; second++)
        {
            var young = Enumerable.Repeat(Seen.Ready(requests: 100, inFlight: 50) with { ReadyFor = Seen.Seconds(second - 60) }, second < 60 ? 0 : 8);
            var traffic = second < 60 ? new TrafficSample(400, 40, Served: 400) : new TrafficSample(1200, 440, Served: 1200);
            var (proposal, next) = policy.Propose(Seen.At(1000 + second, [.. Enumerable.Repeat(Seen.Ready(requests: 100, inFlight: 10), 4), .. young]) with { Over = Seen.Seconds(1), Traffic = traffic });
            (policy, count) = (next, proposal.Count);
        }

        Assert.InRange(count, 12, 14);
    }

    [Fact]
    public void What_failed_does_not_make_requests_cheap()
    {
        // Overloaded: of 1120/s 400 are served, the others are refused at once, so that nothing piles up.
        var player = new Player(Seen.Cpu(0.7), 4).For(60, 280, cpu: 0.7, inFlight: 6, served: 280);

        Assert.InRange(player.For(60, 1120, cpu: 1, inFlight: 60, served: 400).Count, 15, 17);
    }

    [Fact]
    public void A_service_without_traffic_goes_by_its_instances_alone()
    {
        var snapshot = Seen.Of(Seen.Ready(1), Seen.Ready(1));

        Assert.Equal(3, new DemandPolicy(Seen.Cpu(0.7), 0.1).Propose(snapshot).Proposal.Count);
    }

    private sealed class Player(ScaleMetric metric, int ready)
    {
        private IScalingPolicy _policy = new DemandPolicy(metric, 0.1);
        private double _now = 1000;

        public TimeSpan StartTime { get; init; } = Seen.Seconds(5);

        public int Count { get; private set; }

        public int Lasting { get; private set; }

        public string Saw { get; private set; } = "";

        public Player For(int seconds, double load, double cpu, double inFlight, double? served = null, double failed = 0)
        {
            for (var i = 0; i < seconds; i++, _now++)
            {
                var snapshot = Seen.At(_now, [.. Enumerable.Repeat(Seen.Ready(cpu), ready)]) with { Over = Seen.Seconds(1), StartTime = StartTime, Traffic = new TrafficSample(load, inFlight, Served: served, Failed: failed) };
                var (proposal, next) = _policy.Propose(snapshot);
                (_policy, Count, Lasting, Saw) = (next, proposal.Count, proposal.Lasting, proposal.Saw);
            }

            return this;
        }
    }
}
