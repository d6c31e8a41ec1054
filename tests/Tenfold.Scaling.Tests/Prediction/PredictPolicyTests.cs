using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide;
using Tenfold.Scaling.Prediction;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Prediction;

/// <summary>A season of 10 minutes: 100 requests/s, and 700 from its half on for 100 s. An instance carries 100 requests/s.</summary>
public sealed class PredictPolicyTests
{
    private const int Length = 600;

    private static readonly Scale Rules = new() { Metrics = [Seen.Cpu(0.7)], Predict = new ScalePrediction { Season = TimeSpan.FromSeconds(Length) } };

    [Fact]
    public void Instances_are_asked_for_as_long_before_the_peak_as_one_takes_to_start_and_two_slots()
    {
        var (policy, _) = Play(Rules, 2 * Length);
        var (_, proposals) = Play(Rules, Length, 2 * Length, policy);

        // A start of 5 s and slots of 10 s: the slot of the peak is reached 25 s before 300.
        Assert.All(proposals[..275], one => Assert.Equal(Proposal.AtLeast(2, ""), one with { Saw = "" }));
        Assert.All(proposals[275..400], one => Assert.Equal(Proposal.AtLeast(10, ""), one with { Saw = "" }));
        Assert.All(proposals[401..], one => Assert.Equal(2, one.Count));
        Assert.Equal("700 requests/s are expected within 25s, as 10m ago (forecasts were off by 0%)", proposals[290].Saw);
    }

    [Fact]
    public void Nothing_is_asked_for_before_a_whole_season_was_seen()
    {
        var (_, proposals) = Play(Rules, Length);

        Assert.All(proposals, one => Assert.Equal(Proposal.Nothing("no forecast before a whole season of 10m was seen"), one));
    }

    [Fact]
    public void Forecasts_that_are_off_too_far_are_not_followed()
    {
        var random = new Random(7);
        var loads = Enumerable.Range(0, 400).Select(_ => 50 + (random.NextDouble() * random.NextDouble() * 3000)).ToArray();
        var (_, proposals) = Play(Rules, 3 * Length, load: t => loads[t / 10]);

        Assert.All(proposals[(Length + 60)..], one => Assert.Equal(ProposalKind.Nothing, one.Kind));
        Assert.Matches("^forecasts were off by [0-9]+% and are not followed$", proposals[^1].Saw);
    }

    [Fact]
    public void What_was_not_seen_is_no_reason_to_keep_instances()
    {
        var (policy, _) = Play(Rules, 2 * Length);
        var (proposal, next) = policy.Propose(Look(2 * Length, 100) with { Traffic = null });

        Assert.Equal(Proposal.Nothing("no forecast: requests were not seen"), proposal);
        Assert.Equal(ProposalKind.Floor, next.Propose(Look((2 * Length) + 1, 100)).Proposal.Kind);
    }

    [Fact]
    public void For_a_worker_the_arrivals_of_its_queue_come_back()
    {
        var rules = Rules with { Metrics = [new ScaleMetric { Metric = ScalingMetric.QueueDepth, Target = Seen.Count(100), Queue = "mail" }] };
        Snapshot Worker(int t, double load) => Look(t, load) with
        {
            Traffic = null,
            Queues = new Dictionary<string, QueueSample> { ["mail"] = new(Depth: 5, Age: 20, Arriving: load, Done: 2 * 50) }, // two instances do 50 jobs/s each
        };
        var (_, proposals) = Play(rules, 2 * Length, look: Worker);

        Assert.Equal("700 jobs/s of mail are expected within 25s, as 10m ago (forecasts were off by 0%)", proposals[^305].Saw);
        Assert.Equal(14, proposals[^305].Count);
    }

    [Fact]
    public void With_a_latency_alone_so_many_are_asked_for_as_kept_it_before()
    {
        var rules = Rules with { Metrics = [new ScaleMetric { Metric = ScalingMetric.P95, Target = Seen.Time(0.4) }] };
        var (_, proposals) = Play(rules, 2 * Length, look: (t, load) => Look(t, load, count: load > 500 ? 14 : 2) with { Traffic = new TrafficSample(load, 5, 0.1, 0.2, 0.3) });

        Assert.InRange(proposals[^305].Count, 13, 14);
    }

    [Fact]
    public void What_instances_do_while_they_are_overloaded_is_not_what_the_load_needs()
    {
        var (policy, _) = Play(Rules, 2 * Length);
        var (_, proposals) = Play(Rules, Length, 2 * Length, policy, look: (t, load) => Look(t, load) with { Instances = [Seen.Ready(1), Seen.Ready(1)] });

        Assert.Equal(10, proposals[290].Count);
    }

    [Fact]
    public void In_an_autoscaler_it_only_ever_adds()
    {
        var random = new Random(11);
        var (with, without) = (Autoscaler.For(Rules), Autoscaler.For(Rules with { Predict = null }));
        var more = 0;
        for (var t = 0; t < 4 * Length; t++)
        {
            var seen = Look(t, Peak(t) * (0.9 + (0.2 * random.NextDouble())), count: 1 + (t / 50 % 12));
            (var ahead, with) = with.Decide(seen);
            (var plain, without) = without.Decide(seen);
            Assert.True(ahead.To >= plain.To, $"{t} s: {ahead.Reason}, without: {plain.Reason}");
            more += ahead.To > plain.To ? 1 : 0;
        }

        Assert.InRange(more, 3 * 15, 4 * Length);
    }

    [Fact]
    public void Whatever_is_seen_it_asks_for_a_sane_number_or_for_nothing() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyArray<double>>(),
        ArbMap.Default.ArbFor<NonEmptyArray<int>>(),
        (loads, jumps) =>
        {
            IScalingPolicy policy = new PredictPolicy(Rules, Rules.Predict!);
            var at = 0;
            for (var i = 0; i < 1500; i++)
            {
                at += i % 97 == 0 ? jumps.Get[i % jumps.Get.Length] % 3000 : 1;
                var load = i % 11 == 0 ? loads.Get[i % loads.Get.Length] : i % 13 == 0 ? double.NaN : 100;
                (var proposal, policy) = policy.Propose(Look(at, load));
                Assert.True(proposal.Kind is ProposalKind.Floor or ProposalKind.Nothing);
                Assert.InRange(proposal.Count, 0, 1_000_000);
                Assert.DoesNotContain("NaN", proposal.Saw, StringComparison.Ordinal);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    private static double Peak(int t) => t % Length is >= 300 and < 400 ? 700 : 100;

    private static Snapshot Look(int t, double load, int count = 2) => Seen.At(t, [.. Enumerable.Repeat(Seen.Ready(Math.Min(1, load / (100.0 * count))), count)]) with
    {
        Over = TimeSpan.FromSeconds(1),
        Traffic = new TrafficSample(load, 5),
        StartTime = TimeSpan.FromSeconds(5),
    };

    // The snapshot of second t tells of the second before it.
    private static (IScalingPolicy Policy, List<Proposal> Proposals) Play(
        Scale rules, int seconds, int from = 0, IScalingPolicy? policy = null, Func<int, double>? load = null, Func<int, double, Snapshot>? look = null)
    {
        policy ??= new PredictPolicy(rules, rules.Predict!);
        var proposals = new List<Proposal>();
        for (var t = from; t < from + seconds; t++)
        {
            (var proposal, policy) = policy.Propose((look ?? ((at, arriving) => Look(at, arriving)))(t, (load ?? Peak)(t - 1 < 0 ? 0 : t - 1)));
            proposals.Add(proposal);
        }

        return (policy, proposals);
    }
}
