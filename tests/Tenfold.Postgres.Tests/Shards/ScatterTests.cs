using FsCheck;
using FsCheck.Fluent;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

[Collection(ShardServer.Name)]
public sealed class ScatterTests(ShardServer server)
{
    [Fact]
    public void Merging_is_sorting_all_and_taking_the_first() =>
        Prop.ForAll(
            Gen.Choose(0, 50).ListOf().Select(list => list.Order().ToArray()).ArrayOf(4).Zip(Gen.Choose(1, 40)).ToArbitrary(),
            pair =>
            {
                var (lists, limit) = pair;
                var page = Scatter.Merge(lists, Comparer<int>.Default, limit);

                var all = lists.SelectMany(list => list).Order().ToArray();
                Assert.Equal(all.Take(limit), page.Rows);
                Assert.Equal(all.Length > limit, page.More);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Pages_follow_each_other_over_all_databases_without_gaps_or_repeats()
    {
        var layout = await server.DatabasesAsync(3);
        await using var store = await layout.StartAsync(3);
        await FillAsync(layout, store, orders: 200);
        // What a move has brought but not taken over yet: must not be seen.
        await layout.ExecuteAsync(1, $"INSERT INTO orders (bucket_id, id, customer) SELECT {store.Map.BucketsOf(0)[0]}, n, 1 FROM generate_series(1, 50) n");

        var seen = new List<(long Customer, long Id)>();
        ScatterPage<(long Customer, long Id)> page;
        do
        {
            page = await store.ScatterAsync(
                new ScatterQuery<(long Customer, long Id)>
                {
                    Sql = "SELECT customer, id FROM orders WHERE bucket_id = ANY($1) AND (customer, id) > ($3, $4) ORDER BY customer, id LIMIT $2",
                    Values = seen.Count == 0 ? [long.MinValue, 0L] : [seen[^1].Customer, seen[^1].Id],
                    Read = row => (row.GetInt64(0), row.GetInt64(1)),
                    Order = Comparer<(long, long)>.Default,
                    Limit = 17,
                },
                null,
                TestContext.Current.CancellationToken);
            Assert.True(page.Rows.Count == 17 || !page.More);
            seen.AddRange(page.Rows);
        }
        while (page.More);

        Assert.Equal(Enumerable.Range(0, 200).Select(n => (n % 7L, (long)n)).Order(), seen);
    }

    [Fact]
    public async Task An_order_that_the_statement_does_not_have_is_found_out()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, orders: 20);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => store.ScatterAsync(
            new ScatterQuery<long>
            {
                Sql = "SELECT id FROM orders WHERE bucket_id = ANY($1) ORDER BY id DESC LIMIT $2",
                Read = row => row.GetInt64(0),
                Order = Comparer<long>.Default,
                Limit = 10,
            },
            null,
            default));

        Assert.Contains("another order", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT 1 LIMIT $2", 5)]
    [InlineData("SELECT 1 WHERE bucket_id = ANY($1)", 5)]
    [InlineData("SELECT 1 WHERE bucket_id = ANY($1) LIMIT $2", 0)]
    [InlineData("SELECT 1 WHERE bucket_id = ANY($1) LIMIT $2", 10_001)]
    public async Task A_query_that_cannot_be_right_is_refused(string sql, int limit)
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await layout.StartAsync(1);

        await Assert.ThrowsAsync<ArgumentException>(() => store.ScatterAsync(new ScatterQuery<int> { Sql = sql, Read = row => row.GetInt32(0), Limit = limit }, null, default));
    }

    private static async Task FillAsync(ShardLayout layout, ShardedStore store, int orders)
    {
        foreach (var database in store.Map.Databases)
        {
            var owned = store.Map.BucketsOf(database.Id);
            await layout.ExecuteAsync(
                database.Id,
                $"INSERT INTO orders (bucket_id, id, customer) SELECT tenfold.bucket_of(n, {store.Map.Scheme.Count}), n, n % 7 FROM generate_series(0::bigint, {orders - 1}) n WHERE tenfold.bucket_of(n, {store.Map.Scheme.Count}) IN ({string.Join(',', owned)})");
        }
    }
}
