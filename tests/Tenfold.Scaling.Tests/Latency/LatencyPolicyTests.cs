using Tenfold.Guide;
using Tenfold.Scaling.Latency;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Latency;

public sealed class LatencyPolicyTests
{
    private static readonly ScaleMetric P95 = new() { Metric = ScalingMetric.P95, Target = Seen.Time(0.4) };

    [Fact]
    public void A_missed_budget_adds_by_how_far_it_was_missed_but_no_more_than_as_many_again()
    {
        Assert.Equal(6, new Player(4).At(0, 400, 0.2).At(10, 400, 0.6).Count);
        Assert.Equal(8, new Player(4).At(0, 400, 0.2).At(10, 400, 9).Count);
    }

    [Fact]
    public void New_instances_have_five_seconds_to_show_what_they_change()
    {
        var player = new Player(4).At(0, 400, 0.2).At(10, 400, 0.8);
        player.Ready = 8;

        Assert.Equal(8, player.At(11, 400, 0.8).Count);
        Assert.Equal(8, player.At(15, 400, 0.8).Count);
        Assert.Equal(16, player.At(16, 400, 0.8).Count);
    }

    [Fact]
    public void The_load_that_was_too_much_is_not_gone_back_to()
    {
        // At 100/s of an instance it was missed: 85/s are planned with from then on, whatever the latency is.
        var player = new Player(4).At(0, 400, 0.2).At(10, 400, 0.5);
        player.Ready = 5;

        Assert.Equal(5, player.At(20, 400, 0.1).Count);
        Assert.Equal(10, player.At(30, 820, 0.1).Count); // and a rise is met before it is felt
    }

    [Fact]
    public void When_more_instances_do_not_help_and_are_idle_no_more_are_added()
    {
        var player = new Player(4) { Cpu = 0.1 }.At(0, 400, 0.2).At(10, 400, 5);
        Assert.Equal(8, player.Count);
        player.Ready = 8;

        Assert.Equal(8, player.At(11, 400, 5).At(20, 400, 5).Count);
        Assert.Equal(16, new Player(4) { Cpu = 0.9 }.At(0, 400, 0.2).At(10, 400, 5).With(8).At(11, 400, 5).At(20, 400, 5).Count);
    }

    [Fact]
    public void What_was_too_much_is_forgotten_after_ten_minutes()
    {
        var player = new Player(4).At(0, 400, 0.2).At(10, 400, 0.5);
        player.Ready = 5;

        Assert.Equal(4, player.At(611, 400, 0.1).Count);
    }

    [Fact]
    public void While_it_is_comfortable_one_fewer_is_tried_and_near_the_budget_none()
    {
        Assert.Equal(3, new Player(4).At(0, 400, 0.2).Count);
        Assert.Equal(4, new Player(4).At(0, 400, 0.3).Count);
    }

    [Fact]
    public void A_capacity_profile_says_how_many() => Assert.Equal(7, new Player(4) { Capacity = 60 }.At(0, 400, 0.2).Count);

    [Fact]
    public void Without_requests_it_wants_nobody_and_without_data_it_is_blind()
    {
        var policy = new LatencyPolicy(P95);

        Assert.Equal((ProposalKind.Wish, 0), Kind(policy, new TrafficSample(0, 0)));
        Assert.Equal((ProposalKind.Blind, 0), Kind(policy, new TrafficSample(10, 1)));
        Assert.Equal((ProposalKind.Blind, 0), Kind(policy, null));
    }

    private static (ProposalKind Kind, int Count) Kind(LatencyPolicy policy, TrafficSample? traffic)
    {
        var (proposal, _) = policy.Propose(Seen.Of(Seen.Ready()) with { Traffic = traffic });
        return (proposal.Kind, proposal.Count);
    }

    private sealed class Player(int ready)
    {
        private IScalingPolicy _policy = new LatencyPolicy(P95);

        public int Ready { get; set; } = ready;

        public double? Capacity { get; init; }

        public double? Cpu { get; init; }

        public int Count { get; private set; }

        public Player With(int instances)
        {
            Ready = instances;
            return this;
        }

        public Player At(double second, double load, double p95)
        {
            var snapshot = Seen.At(second, [.. Enumerable.Repeat(Seen.Ready(Cpu), Ready)]) with { Traffic = new TrafficSample(load, 10, p95 / 2, p95, p95 * 2), Capacity = Capacity };
            var (proposal, next) = _policy.Propose(snapshot);
            (_policy, Count) = (next, proposal.Count);
            return this;
        }
    }
}
