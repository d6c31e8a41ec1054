using Tenfold.Guide;
using Tenfold.Scaling.Hpa;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Hpa;

/// <summary>The cases of the tests of Kubernetes' replica calculator, in shares of a processor.</summary>
public sealed class HpaTrackingTests
{
    private const char Fresh = 'f'; // started a moment ago, not ready
    private const char Ready = 'r';
    private const char Late = 'l';  // ready for less than a window
    private const char Ill = 'i';   // was ready, is not, and is older than five minutes
    private const char Never = 'n'; // older than five minutes and never ready
    private const char Gone = 'g';  // leaving

    public static TheoryData<string, double, string, double?[], int> Cpu => new()
    {
        { "above: more", 0.3, "rrr", [0.3, 0.5, 0.7], 5 },
        { "below: fewer", 0.5, "rrrrr", [0.1, 0.3, 0.5, 0.25, 0.25], 3 },
        { "within the tolerance: none", 1, "rrr", [0.9, 1, 1.1], 3 },
        { "at the upper edge of the tolerance: none", 0.5, "rr", [0.55, 0.55], 2 },
        { "just above the tolerance: more", 0.5, "rr", [0.57, 0.57], 3 },
        { "at the lower edge of the tolerance: none", 0.5, "rrrr", [0.45, 0.45, 0.45, 0.45], 4 },
        { "below the tolerance: fewer", 0.5, "rrrr", [0.36, 0.36, 0.36, 0.36], 3 },
        { "whole percentages, cut off: 55.9% of 50% is 110%", 0.5, "rr", [0.559, 0.559], 2 },
        { "not ready and above: as if idle, so less is added", 0.3, "frr", [0.3, 0.5, 0.7], 4 },
        { "not ready and above, so many that it would be below: none", 0.4, "frf", [0.4, 0.5, 0.7], 3 },
        { "not ready and below: left out", 0.5, "fr", [0.1, 0.45], 2 },
        { "ready for less than a window: not ready", 0.3, "lrr", [0.3, 0.5, 0.7], 4 },
        { "was ready and is older than five minutes: its sample counts", 0.3, "irr", [0.3, 0.5, 0.7], 5 },
        { "never ready, and older than five minutes: not ready", 0.3, "nrr", [0.3, 0.5, 0.7], 4 },
        { "leaving: left out", 0.3, "rrgg", [0.5, 0.7, 0.9, 0.9], 4 },
        { "missing and below: as if they had all of their limit", 1, "rrrr", [0.4, 0.095, null, null], 3 },
        { "missing and below: as if they had all of their limit, not their target", 0.5, "rrrr", [0.1, 0.1, null, null], 4 },
        { "missing and at the target: none", 1, "rr", [1.0, null], 2 },
        { "missing and above: as if they had nothing", 1, "rr", [1.9, null], 2 },
        { "missing and above all the same: more", 0.5, "rrr", [1.0, 1.0, null], 4 },
        { "missing and a little below: none", 1, "rr", [0.6, null], 2 },
        { "missing and below, with a target above 100%: as if at the target", 3, "rrrr", [1.0, 1.0, null, null], 3 },
        { "missing would turn the direction: none", 0.5, "rrr", [0.45, 0.4, null], 3 },
    };

    [Theory]
    [MemberData(nameof(Cpu))]
    public void Cpu_is_tracked_as_Kubernetes_does(string because, double target, string phases, double?[] cpu, int wanted)
    {
        var snapshot = Seen.Of([.. phases.Zip(cpu, Instance)]);

        var (proposal, _) = new HpaTracking(Seen.Cpu(target), 0.1).Propose(snapshot);

        Assert.True(proposal.Kind == ProposalKind.Wish, because);
        Assert.True(wanted == proposal.Count, $"{because}: {proposal}");
    }

    [Fact]
    public void Nothing_is_proposed_when_no_instance_was_seen() =>
        Assert.Equal(ProposalKind.Blind, new HpaTracking(Seen.Cpu(0.5), 0.1).Propose(Seen.Of(Seen.Ready(), Seen.Ready(double.NaN))).Proposal.Kind);

    [Theory]
    [InlineData(1000, 4, 2000, 8)]
    [InlineData(1000, 4, 1050, 4)]
    [InlineData(1000, 4, 400, 2)]
    public void Requests_a_second_are_averaged_over_instances(double target, int instances, double each, int wanted) =>
        Assert.Equal(wanted, new HpaTracking(Seen.Requests(target), 0.1).Propose(Seen.Of([.. Enumerable.Repeat(Seen.Ready(requests: each), instances)])).Proposal.Count);

    [Fact]
    public void What_is_missing_of_requests_counts_as_the_target_on_the_way_in()
    {
        var (proposal, _) = new HpaTracking(Seen.Requests(100), 0.1).Propose(Seen.Of(Seen.Ready(requests: 20), Seen.Ready(requests: 20), Seen.Ready(), Seen.Ready()));

        Assert.Equal(3, proposal.Count);
    }

    [Theory]
    [InlineData(2, 250, 3)]
    [InlineData(2, 205, 2)]
    [InlineData(2, 0, 0)]
    [InlineData(0, 301, 4)]
    public void The_depth_of_a_queue_is_an_external_metric(int instances, double depth, int wanted)
    {
        var metric = new ScaleMetric { Metric = ScalingMetric.QueueDepth, Queue = "mail", Target = Seen.Count(100) };
        var snapshot = Seen.Of([.. Enumerable.Repeat(Seen.Ready(), instances)]) with { Queues = new Dictionary<string, QueueSample> { ["mail"] = new(depth, 1) } };

        Assert.Equal(wanted, new HpaTracking(metric, 0.1).Propose(snapshot).Proposal.Count);
    }

    [Theory]
    [InlineData(1, 0.5, 2)]
    [InlineData(2, 0.26, 2)]
    [InlineData(4, 0.1, 2)]
    public void A_latency_is_a_metric_with_a_value(int instances, double seconds, int wanted)
    {
        var metric = new ScaleMetric { Metric = ScalingMetric.P95, Target = Seen.Time(0.25) };
        var snapshot = Seen.Of([.. Enumerable.Repeat(Seen.Ready(), instances)]) with { Traffic = new TrafficSample(100, 3, 0.1, seconds, 1) };

        Assert.Equal(wanted, new HpaTracking(metric, 0.1).Propose(snapshot).Proposal.Count);
    }

    private static InstanceSample Instance(char phase, double? cpu) => phase switch
    {
        Fresh => Seen.Starting(cpu),
        Ready => Seen.Ready(cpu),
        Late => Seen.Ready(cpu) with { Age = Seen.Seconds(20), ReadyFor = Seen.Seconds(10) },
        Ill => Seen.Ready(cpu) with { Phase = InstancePhase.Unready },
        Never => Seen.Starting(cpu) with { Age = TimeSpan.FromMinutes(6) },
        Gone => Seen.Leaving(cpu),
        _ => throw new ArgumentOutOfRangeException(nameof(phase)),
    };
}
