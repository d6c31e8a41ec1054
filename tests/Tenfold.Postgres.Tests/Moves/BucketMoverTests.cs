using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;
using static Tenfold.Postgres.Tests.Moves.Moved;

namespace Tenfold.Postgres.Tests.Moves;

[Collection(ShardServer.Name)]
public sealed class BucketMoverTests(ShardServer server)
{
    [Fact]
    public async Task Buckets_move_with_all_their_rows_and_types()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, 2_000);
        await layout.ExecuteAsync(0, $"INSERT INTO lines (bucket_id, order_id) SELECT {store.Map.BucketsOf(0)[0]}, 1 FROM generate_series(1, 500)");
        var before = await SumAsync(layout);
        var buckets = store.Map.BucketsOf(0).Take(3).ToArray();
        var steps = new List<MoveStep>();

        await new BucketMover(store, Quick with { AfterStep = (step, _) => Note(step, steps) }, _ => { }).MoveAsync(buckets, 1, default);

        Assert.Equal(before, await SumAsync(layout));
        Assert.Equal(Enum.GetValues<MoveStep>(), steps);
        await AssertSettledAsync(layout, store);
        Assert.All(buckets, bucket => Assert.Equal(1, store.Map.DatabaseOf(bucket)));
        // The target's sequences go on above the source's.
        await layout.ExecuteAsync(1, $"INSERT INTO lines (bucket_id, order_id) SELECT {buckets[0]}, 1 FROM generate_series(1, 500)");
    }

    [Fact]
    public async Task Changes_that_come_while_rows_are_copied_are_not_missed()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2, buckets: 4);
        var key = ShardedStoreTests.KeyOf(store, 0);
        var bucket = store.Map.BucketOf(key);
        await layout.ExecuteAsync(0, $"INSERT INTO orders (bucket_id, id, customer, note) SELECT {bucket}, n, n, repeat('x', 5000) FROM generate_series(1, 50) n");
        var changed = false;

        await new BucketMover(
            store,
            Quick with
            {
                AfterStep = async (step, _) =>
                {
                    if (step is MoveStep.SlotMade or MoveStep.Copied or MoveStep.CaughtUp or MoveStep.Compared)
                    {
                        var n = (int)step * 100;
                        await layout.ExecuteAsync(0, $"""
                            INSERT INTO orders (bucket_id, id, customer, note) VALUES ({bucket}, {n}, {n}, NULL), ({bucket}, {n + 1}, {n}, E'tab\t \\ new\nline ü');
                            UPDATE orders SET total = total + {n} WHERE bucket_id = {bucket} AND id <= 30;
                            UPDATE orders SET id = id + 1000000 WHERE bucket_id = {bucket} AND id = {(int)step};
                            DELETE FROM orders WHERE bucket_id = {bucket} AND id = {30 + (int)step};
                            INSERT INTO lines (bucket_id, order_id, "Details", bytes) VALUES ({bucket}, {n}, '[1, "x"]', '\x00ff')
                            """);
                        changed = true;
                    }
                },
            },
            _ => { }).MoveAsync([bucket], 1, default);

        Assert.True(changed);
        Assert.Equal(50L + 8 - 4, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"));
        Assert.Equal(4L, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders WHERE id > 1000000"));
        Assert.Equal(4L, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders WHERE note = E'tab\\t \\\\ new\\nline ü'"));
        Assert.Equal(50L - 4, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders WHERE length(note) = 5000"));
        Assert.Equal(4L, await layout.ExecuteAsync(1, "SELECT count(*) FROM lines WHERE bytes = '\\x00ff'"));
        await AssertSettledAsync(layout, store);
    }

    [Fact]
    public async Task Growing_from_one_database_to_three_is_one_call()
    {
        var layout = await server.DatabasesAsync(3);
        await using (var alone = await layout.StartAsync(1, buckets: 32))
        {
            await FillAsync(layout, alone, 3_000);
        }

        var before = await SumAsync(layout);
        await using var store = await layout.StartAsync(3, buckets: 32);
        Assert.Single(store.Map.Databases);

        var plan = await new BucketMover(store, Quick, _ => { }).RebalanceAsync(Rebalance.DefaultThreshold, default);

        Assert.InRange(plan.Count, 19, 23);
        Assert.Equal(before, await SumAsync(layout));
        Assert.All(new[] { 0, 1, 2 }, database => Assert.InRange(store.Map.BucketsOf(database).Count, 8, 13));
        await AssertSettledAsync(layout, store);
        Assert.InRange((await ShardSizes.ReadAsync(store, default)).Skew(3), 1, 1.3);
    }

    [Fact]
    public async Task Triggers_and_foreign_keys_do_not_act_on_rows_that_are_moved()
    {
        var layout = await server.DatabasesAsync(2);
        foreach (var database in new[] { 0, 1 })
        {
            await layout.ExecuteAsync(database, """
                CREATE TABLE counted (n bigint); INSERT INTO counted VALUES (0);
                CREATE FUNCTION count_order() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE counted SET n = n + 1; RETURN NULL; END';
                CREATE TRIGGER counting AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION count_order();
                ALTER TABLE lines ADD FOREIGN KEY (bucket_id, order_id) REFERENCES orders (bucket_id, id) ON DELETE CASCADE
                """);
        }

        await using var store = await layout.StartAsync(2);
        var bucket = store.Map.BucketsOf(0)[0];
        await layout.ExecuteAsync(0, $"INSERT INTO orders (bucket_id, id, customer) VALUES ({bucket}, 1, 1); INSERT INTO lines (bucket_id, order_id) VALUES ({bucket}, 1)");

        await new BucketMover(store, Quick, _ => { }).MoveAsync([bucket], 1, default);

        Assert.Equal(1L, await layout.ExecuteAsync(0, "SELECT n FROM counted"));
        Assert.Equal(0L, await layout.ExecuteAsync(1, "SELECT n FROM counted"));
        Assert.Equal(1L, await layout.ExecuteAsync(1, "SELECT count(*) FROM lines"));
    }

    [Fact]
    public async Task A_partitioned_table_moves_with_the_changes_of_its_partitions()
    {
        var layout = await server.DatabasesAsync(2);
        foreach (var database in new[] { 0, 1 })
        {
            await layout.ExecuteAsync(database, """
                CREATE TABLE events (bucket_id int, at timestamptz, id bigint, text text, PRIMARY KEY (bucket_id, at, id)) PARTITION BY RANGE (at);
                CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
                CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
                """);
        }

        await using var store = await layout.StartAsync(2);
        var bucket = store.Map.BucketsOf(0)[0];
        await layout.ExecuteAsync(0, $"INSERT INTO events SELECT {bucket}, '2025-12-01'::timestamptz + n * interval '1 day', n, 'first' FROM generate_series(1, 60) n");

        await new BucketMover(
            store,
            Quick with
            {
                // The last one moves a row from one partition to the other.
                AfterStep = (step, _) => step != MoveStep.Copied ? Task.CompletedTask : layout.ExecuteAsync(0, $"""
                    UPDATE events SET text = 'second' WHERE bucket_id = {bucket} AND id <= 40;
                    DELETE FROM events WHERE bucket_id = {bucket} AND id = 60;
                    UPDATE events SET at = '2026-06-01' WHERE bucket_id = {bucket} AND id = 1
                    """),
            },
            _ => { }).MoveAsync([bucket], 1, default);

        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT count(*) FROM events"));
        Assert.Equal(59L, await layout.ExecuteAsync(1, "SELECT count(*) FROM events"));
        Assert.Equal(40L, await layout.ExecuteAsync(1, "SELECT count(*) FROM events WHERE text = 'second'"));
        Assert.Equal(30L, await layout.ExecuteAsync(1, "SELECT count(*) FROM events_2026"));
        await AssertSettledAsync(layout, store);
    }

    private static Task Note(MoveStep step, List<MoveStep> steps)
    {
        steps.Add(step);
        return Task.CompletedTask;
    }
}
