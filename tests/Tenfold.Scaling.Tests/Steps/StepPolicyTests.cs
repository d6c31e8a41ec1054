using Tenfold.Guide;
using Tenfold.Scaling.Steps;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Steps;

public sealed class StepPolicyTests
{
    private static readonly ScaleStep HighCpu = new() { Metric = ScalingMetric.Cpu, Above = Seen.Share(0.75), For = TimeSpan.FromMinutes(4), Change = 2, Cooldown = TimeSpan.FromMinutes(5) };
    private static readonly ScaleStep LowCpu = new() { Metric = ScalingMetric.Cpu, Below = Seen.Share(0.3), For = TimeSpan.FromMinutes(10), Change = -1, Cooldown = TimeSpan.FromMinutes(5) };
    private static readonly ScaleStep HighMemory = new() { Metric = ScalingMetric.Memory, Above = Seen.Share(0.8), For = TimeSpan.FromMinutes(5), Change = 1 };
    private static readonly ScaleStep LowMemory = new() { Metric = ScalingMetric.Memory, Below = Seen.Share(0.5), For = TimeSpan.FromMinutes(15), Change = -1 };

    [Fact]
    public void An_alarm_sounds_when_its_condition_has_held_for_its_time_and_again_after_the_cooldown()
    {
        var player = new Player(2, HighCpu, LowCpu);

        Assert.Equal([(240, 4), (540, 6)], player.Until(800, cpu: 0.9));
    }

    [Fact]
    public void A_break_begins_the_time_anew()
    {
        var player = new Player(2, HighCpu);
        player.Until(180, cpu: 0.9);
        player.Until(190, cpu: 0.7);

        Assert.Equal([(440, 4)], player.Until(500, cpu: 0.9)); // 200 is the first one after the break
    }

    [Fact]
    public void What_is_not_seen_is_a_break_and_nothing_is_removed_then()
    {
        var player = new Player(5, LowCpu);
        player.Until(590, cpu: 0.1);
        player.Until(600, cpu: null);
        Assert.Equal(ProposalKind.Blind, player.Last.Kind);

        Assert.Empty(player.Until(1200, cpu: 0.1));
        Assert.Equal([(1210, 4)], player.Until(1210, cpu: 0.1));
    }

    [Fact]
    public void In_waits_until_every_alarm_that_removes_sounds()
    {
        var player = new Player(5, HighCpu, HighMemory, LowCpu, LowMemory);

        Assert.Empty(player.Until(1000, cpu: 0.1, memory: 0.6));
        Assert.Equal((1910, 4), Assert.Single(player.Until(2000, cpu: 0.1, memory: 0.3)));
    }

    [Fact]
    public void Of_several_alarms_that_add_the_largest_counts()
    {
        var ladder = new[] { 0.7, 0.8, 0.9 }.Select((above, i) => new ScaleStep { Metric = ScalingMetric.Cpu, Above = Seen.Share(above), Change = (i + 1) * 2 }).ToArray();

        Assert.Equal((0, 6), new Player(2, ladder).Until(0, cpu: 0.85)[0]);
        Assert.Equal((0, 8), new Player(2, ladder).Until(0, cpu: 0.95)[0]);
    }

    [Theory]
    [InlineData(50, 4, 6)]
    [InlineData(10, 4, 5)] // at least one
    [InlineData(50, 5, 8)]
    [InlineData(100, 0, 1)]
    public void A_percentage_is_of_what_there_is(int percent, int from, int to) =>
        Assert.Equal((0, to), new Player(from, new ScaleStep { Metric = ScalingMetric.QueueAge, Queue = "mail", Above = Seen.Time(5), Percent = percent }).Until(0, cpu: 0.9)[0]);

    [Fact]
    public void Nothing_is_added_while_what_was_asked_for_starts()
    {
        var policy = new StepPolicy([HighCpu with { For = TimeSpan.Zero, Cooldown = TimeSpan.Zero }]);
        var snapshot = Seen.Of(Seen.Ready(0.9), Seen.Ready(0.9), Seen.Starting()) with { StartTime = Seen.Seconds(10) };

        Assert.Equal(ProposalKind.Nothing, policy.Propose(snapshot).Proposal.Kind);
        Assert.Equal(5, policy.Propose(snapshot with { StartTime = Seen.Seconds(2) }).Proposal.Count); // it takes longer than they do
    }

    [Fact]
    public void Where_nobody_asks_for_anything_a_latency_is_not_missing()
    {
        var policy = new StepPolicy([new ScaleStep { Metric = ScalingMetric.P95, Above = Seen.Time(0.5), Change = 2 }]);

        Assert.Equal(ProposalKind.Nothing, policy.Propose(Seen.Of(Seen.Ready()) with { Traffic = new TrafficSample(0, 0) }).Proposal.Kind);
        Assert.Equal(ProposalKind.Blind, policy.Propose(Seen.Of(Seen.Ready()) with { Traffic = new TrafficSample(3, 1) }).Proposal.Kind);
    }

    [Fact]
    public void An_exact_number_is_only_gone_to_in_the_direction_of_its_alarm()
    {
        var step = new ScaleStep { Metric = ScalingMetric.Cpu, Above = Seen.Share(0.7), To = 12 };

        Assert.Equal((0, 12), new Player(4, step).Until(0, cpu: 0.9)[0]);
        Assert.Empty(new Player(14, step).Until(0, cpu: 0.9));
    }

    [Fact]
    public void A_cooldown_that_changed_nothing_does_not_begin()
    {
        var policy = (IScalingPolicy)new StepPolicy([HighCpu with { For = TimeSpan.Zero }]);
        for (var second = 0; second < 100; second += 10)
        {
            var (proposal, next) = policy.Propose(Seen.At(second, Seen.Ready(0.9), Seen.Ready(0.9))); // it stays at two: there is no room
            Assert.Equal(4, proposal.Count);
            policy = next;
        }
    }

    [Fact]
    public void It_says_which_alarm_and_how_long_the_cooldown_lasts()
    {
        var player = new Player(2, HighCpu with { For = TimeSpan.Zero });
        player.Until(0, cpu: 0.91);
        Assert.Equal("cpu at 91%, above 75%", player.Last.Saw);

        player.Until(60, cpu: 0.91);

        Assert.Equal("cpu at 91%, above 75%, in cooldown for 4m", player.Last.Saw);
    }

    private sealed class Player(int count, params ScaleStep[] steps)
    {
        private IScalingPolicy _policy = new StepPolicy(steps);
        private int _count = count;
        private int _now;

        public Proposal Last { get; private set; }

        /// <summary>Second and new number of each change, looking every 10 s.</summary>
        public List<(int Second, int Count)> Until(int second, double? cpu, double? memory = 0.4)
        {
            var changes = new List<(int, int)>();
            for (; _now <= second; _now += 10)
            {
                (Last, _policy) = _policy.Propose(Seen.At(_now, [.. Enumerable.Repeat(Seen.Ready(cpu, memory: memory), _count)]) with { Queues = new Dictionary<string, QueueSample> { ["mail"] = new(5, 9) } });
                if (Last.Kind == ProposalKind.Wish && Last.Count != _count)
                {
                    _count = Last.Count;
                    changes.Add((_now, _count));
                }
            }

            return changes;
        }
    }
}
