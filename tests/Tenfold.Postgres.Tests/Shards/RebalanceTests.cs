using FsCheck;
using FsCheck.Fluent;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

public sealed class RebalanceTests
{
    [Fact]
    public void Growing_from_one_database_to_four_evens_them()
    {
        var moves = Rebalance.Plan([.. Enumerable.Repeat(0, 256)], [.. Enumerable.Repeat(8L, 256)], [0, 1, 2, 3]);

        Assert.InRange(moves.Count, 172, 192); // within 10% of 64 a database
        Assert.All(moves, move => Assert.Equal(0, move.From));
        Assert.All(new[] { 1, 2, 3 }, database => Assert.InRange(moves.Count(move => move.To == database), 58, 70));
    }

    [Fact]
    public void Within_the_threshold_nothing_moves() =>
        Assert.Empty(Rebalance.Plan([0, 0, 1, 1], [50, 59, 50, 41], [0, 1]));

    [Fact]
    public void The_largest_bucket_that_helps_goes_first() =>
        // Mean 55: bucket 0 would leave the first further from it than it is.
        Assert.Equal([new BucketMove(1, 0, 1), new BucketMove(2, 0, 1)], Rebalance.Plan([0, 0, 0, 1], [68, 15, 3, 24], [0, 1]));

    [Fact]
    public void One_bucket_that_is_too_large_for_all_stays_where_it_is() =>
        Assert.Empty(Rebalance.Plan([0], [1_000], [0, 1, 2]));

    [Fact]
    public void Empty_buckets_are_not_moved() =>
        Assert.Empty(Rebalance.Plan([0, 0], [0, 0], [0, 1]));

    [Fact]
    public void A_plan_only_ever_brings_databases_nearer_the_mean_and_leaves_nothing_to_do() =>
        Prop.ForAll(
            (from databases in Gen.Choose(1, 6)
             from owners in Gen.Choose(0, databases - 1).ListOf()
             from weights in Gen.Choose(0, 1_000).ArrayOf(owners.Count)
             select (databases, owners.ToArray(), weights.Select(weight => (long)weight).ToArray())).ToArbitrary(),
            one =>
            {
                var (count, owners, weights) = one;
                int[] databases = [.. Enumerable.Range(0, count)];

                var plan = Rebalance.Plan(owners, weights, databases);

                Assert.All(plan, move => Assert.True(owners[move.Bucket] == move.From && move.From != move.To));
                Assert.Equal(plan.Count, plan.Select(move => move.Bucket).Distinct().Count());
                var after = owners.ToArray();
                foreach (var move in plan)
                {
                    after[move.Bucket] = move.To;
                }

                if (plan.Count > 0)
                {
                    Assert.True(Unevenness(after, weights, count) < Unevenness(owners, weights, count));
                }

                Assert.Empty(Rebalance.Plan(after, weights, databases));
            }).QuickCheckThrowOnFailure();

    private static double Unevenness(int[] owners, long[] weights, int count)
    {
        var mean = weights.Sum() / (double)count;
        return Enumerable.Range(0, count).Sum(database => Math.Abs(Enumerable.Range(0, owners.Length).Where(bucket => owners[bucket] == database).Sum(bucket => weights[bucket]) - mean));
    }
}
