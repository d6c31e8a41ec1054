using Npgsql;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;

namespace Tenfold.Postgres.Tests.Moves;

[Collection(ShardServer.Name)]
public sealed class BucketMoverTests(ShardServer server)
{
    // Without the production limits: what is tested here is not how long writes wait, and the machine may be busy.
    private static readonly MoveOptions Quick = new()
    {
        DropDelay = TimeSpan.Zero,
        BlockPause = TimeSpan.FromMilliseconds(20),
        BlockLimit = TimeSpan.FromSeconds(10),
        DrainLimit = TimeSpan.FromSeconds(20),
    };

    [Fact]
    public async Task Buckets_move_with_all_their_rows_and_types()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, 2_000);
        var before = await SumAsync(layout);
        var buckets = store.Map.BucketsOf(0).Take(3).ToArray();
        var steps = new List<MoveStep>();

        await new BucketMover(store, Quick with { AfterStep = (step, _) => Note(step, steps) }, _ => { }).MoveAsync(buckets, 1, default);

        Assert.Equal(before, await SumAsync(layout));
        Assert.Equal(Enum.GetValues<MoveStep>(), steps);
        await AssertSettledAsync(layout, store);
        Assert.All(buckets, bucket => Assert.Equal(1, store.Map.DatabaseOf(bucket)));
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
    public async Task The_targets_sequences_go_on_above_the_sources()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var bucket = store.Map.BucketsOf(0)[0];
        await layout.ExecuteAsync(0, $"INSERT INTO lines (bucket_id, order_id) SELECT {bucket}, 1 FROM generate_series(1, 500)");

        await new BucketMover(store, Quick, _ => { }).MoveAsync([bucket], 1, default);

        await layout.ExecuteAsync(1, $"INSERT INTO lines (bucket_id, order_id) SELECT {bucket}, 1 FROM generate_series(1, 500)");
        Assert.Equal(1_000L, await layout.ExecuteAsync(1, "SELECT count(*) FROM lines"));
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
    public async Task Everything_that_is_in_the_way_is_said_at_once_and_nothing_is_begun()
    {
        var layout = await server.DatabasesAsync(2);
        await layout.ExecuteAsync(0, "CREATE TABLE notes (bucket_id int, id int PRIMARY KEY); CREATE INDEX ON orders (placed_at); ALTER TABLE lines REPLICA IDENTITY NOTHING");
        await layout.ExecuteAsync(1, "ALTER TABLE orders DROP COLUMN note, ADD COLUMN nota text; CREATE TABLE other (bucket_id int, x int)");
        await using var store = await layout.StartAsync(2);

        var failure = await Assert.ThrowsAsync<ShardException>(() => new BucketMover(store, Quick, _ => { }).MoveAsync(store.Map.BucketsOf(0), 1, default));

        Assert.Equal(ShardFailure.Move, failure.Failure);
        Assert.Contains("table \"public\".\"notes\" has a column bucket_id that is not in its primary key", failure.Message, StringComparison.Ordinal);
        Assert.Contains("database 1: has no table \"public\".\"notes\"", failure.Message, StringComparison.Ordinal);
        Assert.Contains("not there: note text", failure.Message, StringComparison.Ordinal);
        Assert.Contains("lacks an index that the source has", failure.Message, StringComparison.Ordinal);
        Assert.Contains("REPLICA IDENTITY DEFAULT", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await new BucketMover(store, Quick, _ => { }).UnfinishedAsync(default));
    }

    [Fact]
    public async Task A_writer_that_holds_the_bucket_is_named_writes_go_on_and_the_next_run_finishes()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var key = ShardedStoreTests.KeyOf(store, 0);
        var other = new TaskCompletionSource();
        var holding = new TaskCompletionSource();
        var held = store.WriteAsync(
            key,
            async (transaction, _) =>
            {
                holding.SetResult();
                await other.Task;
                return 0;
            },
            null,
            default);
        await holding.Task;
        var mover = new BucketMover(store, Quick with { BlockAttempts = 2, BlockLimit = TimeSpan.FromMilliseconds(50) }, _ => { });

        var failure = await Assert.ThrowsAsync<ShardException>(() => mover.MoveAsync([store.Map.BucketOf(key)], 1, default));

        Assert.Contains("could not be blocked in 2 attempts: transactions hold them: process ", failure.Message, StringComparison.Ordinal);
        await ShardedStoreTests.WriteAsync(store, key, 1);
        other.SetResult();
        await held;
        await new BucketMover(store, Quick, _ => { }).ResumeAsync(default);
        Assert.Equal(1L, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"));
        await AssertSettledAsync(layout, store);
    }

    [Fact]
    public async Task A_transaction_that_keeps_the_slot_from_being_made_is_named()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await using (var connection = new NpgsqlConnection(layout.ConnectionStrings[0] + ";Pooling=false;Application Name=forgotten"))
        {
            await connection.OpenAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await Sql.ExecuteAsync(connection, "CREATE TABLE held (x int)", default);

            var failure = await Assert.ThrowsAsync<ShardException>(() =>
                new BucketMover(store, Quick with { SlotLimit = TimeSpan.FromMilliseconds(300) }, _ => { }).MoveAsync([store.Map.BucketsOf(0)[0]], 1, default));

            Assert.Contains("(forgotten, user postgres, idle in transaction, for ", failure.Message, StringComparison.Ordinal);
        }

        await new BucketMover(store, Quick, _ => { }).ResumeAsync(default);
        await AssertSettledAsync(layout, store);
    }

    [Fact]
    public async Task What_an_abandoned_move_has_left_is_found_and_removed()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, 500);
        var before = await SumAsync(layout);
        var owners = store.Map.Owners.ToArray();
        await Assert.ThrowsAsync<InvalidDataException>(() => new BucketMover(store, Quick with { AfterStep = DieAfter(MoveStep.Compared) }, _ => { }).MoveAsync(store.Map.BucketsOf(0), 1, default));
        // And one that not even the journal knows.
        await layout.ExecuteAsync(1, "SELECT pg_create_logical_replication_slot('tenfold_move_999', 'pgoutput')");
        await layout.ExecuteAsync(1, "CREATE PUBLICATION tenfold_move_999");

        var done = await new BucketMover(store, Quick, _ => { }).CleanAsync(default);

        Assert.Equal(3, done.Count);
        Assert.Contains("is abandoned", done[0], StringComparison.Ordinal);
        Assert.Equal(owners, store.Map.Owners);
        Assert.Equal(before, await SumAsync(layout));
        await AssertSettledAsync(layout, store);
        Assert.Empty(await new BucketMover(store, Quick, _ => { }).CleanAsync(default));
    }

    [Fact]
    public async Task Cleaning_finishes_a_move_that_is_past_the_point_of_no_return()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, 200);
        var before = await SumAsync(layout);
        await Assert.ThrowsAsync<InvalidDataException>(() => new BucketMover(store, Quick with { AfterStep = DieAfter(MoveStep.SourceFenced) }, _ => { }).MoveAsync([store.Map.BucketsOf(0)[0]], 1, default));

        Assert.Contains("is finished", Assert.Single(await new BucketMover(store, Quick, _ => { }).CleanAsync(default)), StringComparison.Ordinal);

        Assert.Equal(before, await SumAsync(layout));
        await AssertSettledAsync(layout, store);
    }

    [Fact]
    public async Task A_row_that_differs_keeps_the_switch_from_happening()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        await FillAsync(layout, store, 200);
        var bucket = store.Map.BucketsOf(0)[0];

        var failure = await Assert.ThrowsAsync<ShardException>(() => new BucketMover(
            store,
            Quick with { AfterStep = (step, _) => step == MoveStep.Copied ? layout.ExecuteAsync(1, $"UPDATE orders SET note = 'wrong' WHERE bucket_id = {bucket} AND id = (SELECT min(id) FROM orders WHERE bucket_id = {bucket})") : Task.CompletedTask },
            _ => { }).MoveAsync([bucket], 1, default));

        Assert.Contains("1 rows differ", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, store.Map.DatabaseOf(bucket));
        await ShardedStoreTests.WriteAsync(store, ShardKey.OfBucket(bucket), 1_000_000);
    }

    [Fact]
    public async Task Writes_that_go_past_the_map_to_the_old_owner_are_noticed_before_anything_is_deleted()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var bucket = store.Map.BucketsOf(0)[0];

        var failure = await Assert.ThrowsAsync<ShardException>(() => new BucketMover(
            store,
            Quick with { AfterStep = (step, _) => step == MoveStep.Flipped ? layout.ExecuteAsync(0, $"INSERT INTO orders (bucket_id, id, customer) VALUES ({bucket}, 77, 1)") : Task.CompletedTask },
            _ => { }).MoveAsync([bucket], 1, default));

        Assert.Contains("1 changes of bucket", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await layout.ExecuteAsync(0, "SELECT count(*) FROM orders WHERE id = 77"));
    }

    internal static Func<MoveStep, CancellationToken, Task> DieAfter(MoveStep last) => (step, _) => step == last ? throw new InvalidDataException($"killed after {step}") : Task.CompletedTask;

    internal static async Task FillAsync(ShardLayout layout, ShardedStore store, int orders)
    {
        foreach (var database in store.Map.Databases)
        {
            await layout.ExecuteAsync(database.Id, $"""
                WITH mine AS (SELECT tenfold.bucket_of(n, {store.Map.Scheme.Count}) AS bucket, n FROM generate_series(1::bigint, {orders}) n)
                INSERT INTO orders (bucket_id, id, customer, note, total, placed_at)
                    SELECT bucket, n, n % 50, CASE WHEN n % 3 > 0 THEN repeat('ü ', (n % 20)::int) END, n / 7.0, '2026-01-01'::timestamptz + n * interval '1 minute' FROM mine WHERE bucket IN ({string.Join(',', store.Map.BucketsOf(database.Id))});
                INSERT INTO lines (bucket_id, order_id, line, "Details", bytes) SELECT bucket_id, id, line, jsonb_build_object('a', id), decode(md5(id::text), 'hex') FROM orders, generate_series(1, 2) line
                """);
        }
    }

    /// <summary>Checksum of all rows of all databases.</summary>
    internal static async Task<decimal> SumAsync(ShardLayout layout)
    {
        var sum = 0m;
        for (var database = 0; database < layout.ConnectionStrings.Count; database++)
        {
            sum += (decimal)(await layout.ExecuteAsync(database, "SELECT (SELECT coalesce(sum(hashtextextended(o::text, 0)::numeric), 0) FROM orders o) + (SELECT coalesce(sum(hashtextextended(l::text, 0)::numeric), 0) FROM lines l)"))!;
        }

        return sum;
    }

    /// <summary>Each row is at its bucket's owner only, and nothing is left of any move.</summary>
    internal static async Task AssertSettledAsync(ShardLayout layout, ShardedStore store)
    {
        await store.ReachAsync((long)(await layout.ExecuteAsync(0, "SELECT epoch FROM tenfold.shard_map"))!, default);
        for (var database = 0; database < layout.ConnectionStrings.Count; database++)
        {
            var owned = string.Join(',', store.Map.BucketsOf(database).DefaultIfEmpty(-1));
            Assert.Equal(0L, await layout.ExecuteAsync(database, $"SELECT (SELECT count(*) FROM orders WHERE bucket_id NOT IN ({owned})) + (SELECT count(*) FROM lines WHERE bucket_id NOT IN ({owned}))"));
            Assert.Equal(0L, await layout.ExecuteAsync(database, "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) + (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM tenfold.shard_incoming)"));
            Assert.Equal((long)store.Map.BucketsOf(database).Count, await layout.ExecuteAsync(database, "SELECT count(*) FROM tenfold.shard_fences WHERE owned"));
            Assert.Equal(0L, await layout.ExecuteAsync(database, "SELECT count(*) FROM tenfold.shard_fences WHERE NOT owned"));
        }

        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT (SELECT count(*) FROM tenfold.shard_moves) + (SELECT count(*) FROM tenfold.shard_move_objects)"));
    }

    private static Task Note(MoveStep step, List<MoveStep> steps)
    {
        steps.Add(step);
        return Task.CompletedTask;
    }
}
