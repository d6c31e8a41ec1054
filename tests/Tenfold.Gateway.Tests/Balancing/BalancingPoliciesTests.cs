using FsCheck;
using FsCheck.Fluent;
using Tenfold.Gateway.Balancing;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Balancing;

public sealed class BalancingPoliciesTests
{
    private static Candidate[] Candidates(params (int InFlight, double Weight)[] of) =>
        [.. of.Select((c, i) => new Candidate(StableHash.Of(BitConverter.GetBytes(i)), c.InFlight, c.Weight))];

    private static int[] Counts(IBalancingPolicy policy, Candidate[] candidates, int picks)
    {
        var counts = new int[candidates.Length];
        for (var i = 0; i < picks; i++)
        {
            counts[policy.Pick(candidates, StableHash.Mix((ulong)i))]++;
        }

        return counts;
    }

    [Fact]
    public void Every_word_of_the_guide_has_a_policy_that_picks_one_of_the_candidates()
    {
        Prop.ForAll(ArbMap.Default.GeneratorFor<int>().NonEmptyListOf().ToArbitrary(), numbers =>
        {
            var candidates = Candidates([.. numbers.Select(n => (Math.Abs(n % 100), 0.1 + Math.Abs(n % 7)))]);
            return Enum.GetValues<Balance>().All(balance =>
            {
                var policy = BalancingPolicies.Create(balance, new SplitMixRandom(7));
                return Enumerable.Range(0, 50).All(i => policy.Pick(candidates, (ulong)i) is >= 0 and var pick && pick < candidates.Length);
            });
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(0, 5, 0)]
    [InlineData(5, 0, 1)]
    public void Power_of_two_choices_takes_the_less_busy_of_two(int first, int second, int expected)
    {
        var policy = new PowerOfTwoChoices(new SplitMixRandom(1));
        Assert.Equal(100, Counts(policy, Candidates((first, 1), (second, 1)), 100)[expected]);
    }

    [Fact]
    public void Power_of_two_choices_never_takes_the_busiest_of_three()
    {
        Assert.Equal(0, Counts(new PowerOfTwoChoices(new SplitMixRandom(1)), Candidates((1, 1), (9, 1), (2, 1)), 1000)[1]);
    }

    [Fact]
    public void Power_of_two_choices_gives_an_instance_in_slow_start_little()
    {
        var counts = Counts(new PowerOfTwoChoices(new SplitMixRandom(1)), Candidates((0, 1), (0, 1), (0, 1), (0, 0.1)), 10_000);
        Assert.InRange(counts[3], 100, 900);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100)]
    public void Power_of_two_choices_keeps_a_light_one_light_however_busy_the_other_is(int busy)
    {
        var counts = Counts(new PowerOfTwoChoices(new SplitMixRandom(1)), Candidates((busy, 9), (0, 1)), 10_000);
        Assert.InRange(counts[1], 900, 2_200);
        counts = Counts(new PowerOfTwoChoices(new SplitMixRandom(1)), Candidates((9 * busy, 9), (busy, 1)), 10_000);
        Assert.InRange(counts[1], 800, 1_200);
    }

    [Fact]
    public void Round_robin_goes_round()
    {
        var policy = new RoundRobin(new SplitMixRandom(1));
        var candidates = Candidates((0, 1), (9, 1), (0, 1));
        Assert.Equal([0, 1, 2, 0, 1, 2], Enumerable.Range(0, 6).Select(_ => policy.Pick(candidates, null)));
    }

    [Fact]
    public void Smooth_weighted_interleaves_as_nginx_does()
    {
        var policy = new SmoothWeighted();
        var candidates = Candidates((0, 5), (0, 1), (0, 1));
        Assert.Equal([0, 0, 1, 0, 2, 0, 0], Enumerable.Range(0, 7).Select(_ => policy.Pick(candidates, null)));
    }

    [Fact]
    public void Smooth_weighted_keeps_exact_shares()
    {
        Assert.Equal([600, 300, 100], Counts(new SmoothWeighted(), Candidates((0, 6), (0, 3), (0, 1)), 1000));
    }

    [Theory]
    [InlineData(3, 1, 2, 1)]
    [InlineData(0, 1, 2, 0)]
    [InlineData(9, 9, 0, 2)]
    public void Least_connections_takes_the_idlest(int a, int b, int c, int expected)
    {
        Assert.Equal(50, Counts(new LeastConnections(new SplitMixRandom(1)), Candidates((a, 1), (b, 1), (c, 1)), 50)[expected]);
    }

    [Fact]
    public void Least_connections_weighs_and_spreads_equals()
    {
        Assert.Equal(50, Counts(new LeastConnections(new SplitMixRandom(1)), Candidates((3, 3), (2, 1)), 50)[0]);
        var counts = Counts(new LeastConnections(new SplitMixRandom(1)), Candidates((1, 1), (1, 1)), 1000);
        Assert.InRange(counts[0], 400, 600);
    }

    [Fact]
    public void A_consistent_hash_gives_each_its_share_by_weight()
    {
        var counts = Counts(new ConsistentHash(new SplitMixRandom(1)), Candidates((0, 1), (0, 1), (0, 2)), 20_000);
        Assert.InRange(counts[0], 4_700, 5_300);
        Assert.InRange(counts[2], 9_600, 10_400);
    }

    [Fact]
    public void A_consistent_hash_moves_no_key_between_instances_that_stay()
    {
        var policy = new ConsistentHash(new SplitMixRandom(1));
        Prop.ForAll(Gen.Choose(2, 12).ToArbitrary(), Gen.Choose(0, 11).ToArbitrary(), (count, leaving) =>
        {
            var before = Candidates([.. Enumerable.Range(0, count).Select(_ => (0, 1.0))]);
            var gone = leaving % count;
            Candidate[] after = [.. before.Where((_, i) => i != gone)];
            return Enumerable.Range(0, 500).All(key =>
            {
                var hash = StableHash.Mix((ulong)key);
                var was = policy.Pick(before, hash);
                return was == gone || after[policy.Pick(after, hash)].Id == before[was].Id;
            });
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_consistent_hash_ignores_the_order_and_the_load_of_the_candidates()
    {
        var policy = new ConsistentHash(new SplitMixRandom(1));
        var candidates = Candidates((0, 1), (0, 1), (0, 1), (0, 1));
        Candidate[] other = [.. candidates.Reverse().Select(c => c with { InFlight = 50 })];
        for (var i = 0UL; i < 200; i++)
        {
            var key = StableHash.Mix(i);
            Assert.Equal(candidates[policy.Pick(candidates, key)].Id, other[policy.Pick(other, key)].Id);
        }
    }
}
