using Npgsql;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;
using static Tenfold.Postgres.Tests.Moves.Moved;

namespace Tenfold.Postgres.Tests.Moves;

/// <summary>What stands in a move's way: it is said, nothing is lost, and the next run goes on.</summary>
[Collection(ShardServer.Name)]
public sealed class MoveFaultsTests(ShardServer server)
{
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

    [Fact]
    public async Task A_target_without_room_is_said_nothing_is_lost_and_the_next_run_finishes_when_there_is()
    {
        using var disk = TinyDisk.Mount(2);
        var layout = await server.DatabasesAsync(2);
        await layout.ExecuteAsync(1, "DROP TABLE orders");
        await layout.ExecuteAsync(1, $"CREATE TABLESPACE tiny LOCATION '{disk.Folder}'");
        try
        {
            await layout.ExecuteAsync(1, "SET default_tablespace = tiny; " + ShardLayout.Orders);
            await using var store = await layout.StartAsync(1);
            await using var grown = await layout.StartAsync(2);
            await layout.ExecuteAsync(0, "INSERT INTO orders (bucket_id, id, customer, note) SELECT 3, n, n, string_agg(md5((n * i)::text), '') FROM generate_series(1, 2000) n, generate_series(1, 60) i GROUP BY n");
            var before = await SumAsync(layout);

            var failure = await Assert.ThrowsAsync<ShardException>(() => new BucketMover(grown, Quick, _ => { }).MoveAsync([3], 1, default));

            Assert.Contains("has no room", failure.Message, StringComparison.Ordinal);
            await ShardedStoreTests.WriteAsync(store, ShardKey.OfBucket(3), 1_000_000);
            await layout.ExecuteAsync(0, "DELETE FROM orders WHERE id = 1000000");
            disk.Grow(64);
            await new BucketMover(grown, Quick, _ => { }).ResumeAsync(default);
            Assert.Equal(before, await SumAsync(layout));
            Assert.Equal(2_000L, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"));
            await AssertSettledAsync(layout, grown);
        }
        finally
        {
            await layout.ExecuteAsync(1, "DROP TABLE IF EXISTS orders");
            await layout.ExecuteAsync(1, "DROP TABLESPACE tiny");
        }
    }
}
