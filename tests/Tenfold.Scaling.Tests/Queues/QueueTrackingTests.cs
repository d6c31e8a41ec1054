using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide;
using Tenfold.Scaling.Queues;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Queues;

public sealed class QueueTrackingTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(0, 0, 1, 1)]     // something waits: one begins
    [InlineData(0, 0, 250, 3)]
    [InlineData(2, 0, 205, 2)]   // within the tolerance
    [InlineData(5, 0, 0, 0)]
    [InlineData(5, 27, 0, 3)]    // what runs is not taken away: 10 at a time in an instance
    public void By_depth_every_instance_has_its_share(int instances, double running, double depth, int wanted) =>
        Assert.Equal(wanted, Propose(ScalingMetric.QueueDepth, Seen.Count(100), instances, new QueueSample(depth, 1, 0, 0, running)).Count);

    [Fact]
    public void A_queue_that_was_not_seen_is_no_empty_one()
    {
        var policy = new QueueTracking(Metric(ScalingMetric.QueueDepth, Seen.Count(100)), 0.1, 10);

        Assert.Equal(ProposalKind.Blind, policy.Propose(Seen.Of(Seen.Ready())).Proposal.Kind);
        Assert.Equal(ProposalKind.Blind, Propose(ScalingMetric.QueueDepth, Seen.Count(100), 1, new QueueSample(double.NaN, 0)).Kind);
    }

    [Fact]
    public void What_waits_is_worked_off_in_the_time_beside_what_arrives()
    {
        // One does 10/s; 40/s arrive and 3,000 wait, to be done in 60 s: (40 + 50) / 10.
        var proposal = Propose(ScalingMetric.QueueDrain, Seen.Time(60), 4, new QueueSample(3000, 100, 40, 40));

        Assert.Equal(9, proposal.Count);
        Assert.Contains("40/s arrive, an instance does 10/s", proposal.Saw, StringComparison.Ordinal);
    }

    [Fact]
    public void By_age_one_fewer_is_tried_while_the_oldest_is_young() =>
        Assert.Equal(4, Propose(ScalingMetric.QueueAge, Seen.Time(30), 5, new QueueSample(100, 2, 40, 50)).Count);

    [Fact]
    public void By_age_what_is_too_old_is_worked_off_in_the_target() =>
        Assert.Equal(8, Propose(ScalingMetric.QueueAge, Seen.Time(30), 4, new QueueSample(1200, 45, 40, 40)).Count); // (40 + 1200 / 30) / 10

    [Fact]
    public void While_it_is_not_known_what_one_does_instances_double_only_when_all_have_begun()
    {
        var metric = Metric(ScalingMetric.QueueDrain, Seen.Time(60));
        var queue = new QueueSample(3000, 100, 40, 0);

        Assert.Equal(1, Ask(metric, queue).Count);
        Assert.Equal(2, Ask(metric, queue, Seen.Ready()).Count);
        Assert.Equal(2, Ask(metric, queue, Seen.Ready(), Seen.Starting()).Count);
        Assert.Equal(4, Ask(metric, queue, Seen.Ready(), Seen.Ready()).Count);
    }

    [Theory]
    [InlineData(ScalingMetric.QueueAge)]
    [InlineData(ScalingMetric.QueueDrain)]
    public void A_constant_load_comes_to_rest_at_what_it_needs(ScalingMetric metric) => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        seed =>
        {
            // One does 50/s; a job is seen waiting now and then although nobody is late.
            var random = new Random(seed.Get);
            var (arriving, each, depth, age) = (5.0 + (seed.Get * 31 % 400), 50.0, 0.0, 0.0);
            var scaler = Autoscaler.For(new Scale { Min = 0, Max = 40, Metrics = [Metric(metric, Seen.Time(10))] });
            var (count, changes) = (0, 0);
            for (var second = 0; second < 1500; second++)
            {
                var done = Math.Min(arriving + depth, count * each);
                depth = Math.Max(0, depth + arriving - done);
                age = depth > 0 ? depth / arriving : 0;
                var glimpse = depth == 0 && random.Next(4) == 0 ? 1 : 0;
                var snapshot = Seen.At(second, [.. Enumerable.Repeat(Seen.Ready(), count)]) with
                {
                    Over = Seen.Seconds(1),
                    Queues = new Dictionary<string, QueueSample> { ["mail"] = new(depth + glimpse, glimpse > 0 ? 0.01 : age, arriving, done) },
                };
                var (decision, next) = scaler.Decide(snapshot);
                scaler = next;
                changes += second > 1000 && decision.IsChange ? 1 : 0;
                count = decision.To;
            }

            Assert.True(changes <= 2, $"{changes} changes at {arriving}/s");
            Assert.InRange(count, (int)Math.Ceiling(arriving / each), (int)Math.Ceiling(1.5 * arriving / each) + 1);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_empty_queue_wants_nobody() =>
        Assert.Equal(0, Propose(ScalingMetric.QueueDrain, Seen.Time(60), 3, new QueueSample(0, 0, 0, 0)).Count);

    private static Proposal Propose(ScalingMetric metric, ScaleTarget target, int instances, QueueSample queue) =>
        Ask(Metric(metric, target), queue, [.. Enumerable.Repeat(Seen.Ready(), instances)]);

    private static Proposal Ask(ScaleMetric metric, QueueSample queue, params InstanceSample[] instances) =>
        new QueueTracking(metric, 0.1, 10).Propose(Seen.Of(instances) with { Queues = new Dictionary<string, QueueSample> { ["mail"] = queue } }).Proposal;

    private static ScaleMetric Metric(ScalingMetric metric, ScaleTarget target) => new() { Metric = metric, Queue = "mail", Target = target };
}
