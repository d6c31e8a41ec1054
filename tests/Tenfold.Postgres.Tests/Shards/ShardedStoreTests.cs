using System.Data;
using Npgsql;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Shards;

[Collection(ShardServer.Name)]
public sealed class ShardedStoreTests(ShardServer server)
{
    [Fact]
    public async Task The_databases_compute_the_same_buckets()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await layout.StartAsync(1, buckets: 251);
        await using var connection = await store.Home.OpenWriterAsync(null, default);
        foreach (var number in new[] { 0, 1, 42, -1, long.MaxValue, long.MinValue, 123_456_789_012 })
        {
            Assert.Equal(store.Map.BucketOf(number), await Sql.ScalarAsync<int>(connection, "SELECT tenfold.bucket_of($1::bigint, 251)", default, number));
        }

        foreach (var text in new[] { "", "a", "ab", "abc", "abcd", "münchen", "漢字かな" })
        {
            Assert.Equal(store.Map.BucketOf(text), await Sql.ScalarAsync<int>(connection, "SELECT tenfold.bucket_of($1::text, 251)", default, text));
        }

        var uuid = Guid.NewGuid();
        Assert.Equal(store.Map.BucketOf(uuid), await Sql.ScalarAsync<int>(connection, "SELECT tenfold.bucket_of($1::uuid, 251)", default, uuid));
    }

    [Fact]
    public async Task The_map_is_made_once_and_every_process_reads_the_same()
    {
        var layout = await server.DatabasesAsync(3);
        var stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => layout.StartAsync(3)));
        try
        {
            Assert.All(stores, store => Assert.Equal(stores[0].Map.Owners, store.Map.Owners));
            Assert.Equal([6, 5, 5], Enumerable.Range(0, 3).Select(database => stores[0].Map.BucketsOf(database).Count));
            Assert.DoesNotContain("Username", stores[0].Map.Databases[1].Address, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            await Task.WhenAll(stores.Select(store => store.DisposeAsync().AsTask()));
        }

        // One that knows the home database only reaches the others by the map.
        await using var late = await layout.StartAsync(1);
        Assert.Equal(stores[0].Map.Owners, late.Map.Owners);
        await WriteAsync(late, KeyOf(late, database: 2), id: 1);
        Assert.Equal(1L, await layout.ExecuteAsync(2, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task Another_number_of_buckets_than_the_map_has_is_refused()
    {
        var layout = await server.DatabasesAsync(1);
        await (await layout.StartAsync(1)).DisposeAsync();

        var failure = await Assert.ThrowsAsync<ShardException>(() => layout.StartAsync(1, buckets: 32));

        Assert.Equal(ShardFailure.Map, failure.Failure);
    }

    [Fact]
    public async Task Writes_and_reads_of_a_key_go_to_its_database_only()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        for (var key = 0; key < 40; key++)
        {
            await WriteAsync(store, key, id: key);
        }

        var counts = new[] { (long)(await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"))!, (long)(await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"))! };
        Assert.Equal(40, counts.Sum());
        Assert.All(counts, count => Assert.True(count > 0));
        for (var key = 0; key < 40; key++)
        {
            var shard = store.Shard(key);
            await using var connection = await shard.OpenReaderAsync(null, default);
            Assert.Equal((long)key, await Sql.ScalarAsync<long>(connection, "SELECT customer FROM orders WHERE bucket_id = $1 AND id = $2", default, shard.Bucket, (long)key));
        }
    }

    [Fact]
    public async Task A_write_by_an_old_map_is_refused_at_the_source_and_sent_on()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await ShardLayout.StartAsync(layout.Options(2) with { Poll = TimeSpan.FromHours(1) });
        var key = KeyOf(store, database: 0);
        var bucket = store.Map.BucketOf(key);
        // A move as this process does not hear of it: no notification.
        await layout.ExecuteAsync(0, $"UPDATE tenfold.shard_fences SET owned = false, epoch = 2 WHERE bucket = {bucket}");
        await layout.ExecuteAsync(1, $"INSERT INTO tenfold.shard_fences VALUES ({bucket}, true, 2)");
        await layout.ExecuteAsync(0, $"UPDATE tenfold.shard_buckets SET database_id = 1 WHERE bucket = {bucket}");
        await layout.ExecuteAsync(0, "UPDATE tenfold.shard_map SET epoch = 2");
        Assert.Equal(1, store.Map.Epoch);

        await WriteAsync(store, key, id: 1);
        Assert.Equal(2, store.Map.Epoch);
        Assert.Equal(1L, await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"));
        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"));
        Assert.Equal(bucket, await store.WriteAsync(key, (transaction, _) => Task.FromResult(transaction.Bucket), null, default));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_refused_write_leaves_the_connection_and_what_it_prepared_in_order(int usages)
    {
        var layout = await server.DatabasesAsync(1);
        var options = layout.Options(1);
        await using var store = await ShardLayout.StartAsync(options with
        {
            MoveWait = TimeSpan.Zero,
            MakesIds = false,
            Home = options.Home with { ConnectionString = layout.ConnectionStrings[0] + $";Max Auto Prepare=16;Auto Prepare Min Usages={usages};No Reset On Close=true;Maximum Pool Size=4" },
        });
        for (var round = 0; round < 4; round++)
        {
            await WriteAsync(store, 1, id: round * 10);
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");
            await Assert.ThrowsAsync<ShardException>(() => WriteAsync(store, 1, id: (round * 10) + 1));
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = true");
        }

        // The hold is prepared by now, this statement is not.
        for (var usage = 0; usage < 6; usage++)
        {
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");
            await Assert.ThrowsAsync<ShardException>(() => TouchAsync());
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = true");
            Assert.Equal(1, await TouchAsync());
        }

        await WriteAsync(store, 1, id: 100);
        Assert.Equal(5L, await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"));

        Task<int> TouchAsync() => store.ExecuteAsync(
            1,
            new NpgsqlBatch { BatchCommands = { new NpgsqlBatchCommand("UPDATE orders SET total = total + 1 WHERE bucket_id = $1 AND id = 0") { Parameters = { new() { Value = store.Map.BucketOf(1) } } } } },
            null,
            default);
    }

    [Fact]
    public async Task A_write_that_is_refused_and_sent_again_to_the_same_database_is_done_once()
    {
        var layout = await server.DatabasesAsync(1);
        var options = layout.Options(1);
        await using var store = await ShardLayout.StartAsync(options with
        {
            MakesIds = false,
            Home = options.Home with { ConnectionString = layout.ConnectionStrings[0] + ";Max Auto Prepare=16;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=4" },
        });
        for (var round = 0; round < 6; round++)
        {
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");
            var writing = WriteAsync(store, 1, id: round); // refused, again and again
            var refused = store.Refused;
            await Wait.ForAsync("refusals", () => Task.FromResult(store.Refused > refused + 2));
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = true");
            await writing;
        }

        Assert.Equal(6L, await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task A_bucket_that_nobody_owns_is_an_error_after_the_wait_and_nothing_is_written()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await ShardLayout.StartAsync(layout.Options(1) with { MoveWait = TimeSpan.FromMilliseconds(50) });
        await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");

        var failure = await Assert.ThrowsAsync<ShardException>(() => WriteAsync(store, 1, id: 1));

        Assert.Equal(ShardFailure.Moved, failure.Failure);
        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task A_snapshot_older_than_the_fence_cannot_slip_through()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await ShardLayout.StartAsync(layout.Options(1));
        await using var connection = await store.Home.OpenWriterAsync(null, default);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await Sql.ExecuteAsync(connection, "SELECT 1", default); // takes the snapshot
        await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");

        var refused = await Assert.ThrowsAsync<PostgresException>(() => Sql.ExecuteAsync(connection, "SELECT tenfold.hold(3)", default));

        Assert.Equal(PostgresErrorCodes.SerializationFailure, refused.SqlState);
    }

    [Fact]
    public async Task A_change_of_the_map_is_heard_of_at_once()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await ShardLayout.StartAsync(layout.Options(1) with { Poll = TimeSpan.FromHours(1) });
        await using var connection = await store.Home.OpenWriterAsync(null, default);
        var epoch = 1;
        await Wait.ForAsync("the new epoch", async () =>
        {
            // The listener may not have begun to listen: tell it again until it hears.
            await ShardMapTable.RegisterAsync(connection, new ShardDatabase(1, $"{ShardDatabases.AddressOf(layout.ConnectionStrings[1])};Timeout={++epoch}"), default);
            return store.Map.Databases.Count == 2;
        });
    }

    [Fact]
    public async Task A_change_of_the_map_that_was_not_told_is_found_by_asking()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await ShardLayout.StartAsync(layout.Options(1) with { Poll = TimeSpan.FromMilliseconds(20) });
        await layout.ExecuteAsync(0, "UPDATE tenfold.shard_map SET epoch = 7");

        await Wait.ForAsync("the new epoch", () => Task.FromResult(store.Map.Epoch == 7));
    }

    [Fact]
    public async Task A_process_that_has_not_heard_from_home_asks_the_database_before_it_reads()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await ShardLayout.StartAsync(layout.Options(1) with { Unconfirmed = TimeSpan.Zero });
        await using (await store.Shard(1).OpenReaderAsync(null, default))
        {
            await layout.ExecuteAsync(0, "UPDATE tenfold.shard_fences SET owned = false");
        }

        var failure = await Assert.ThrowsAsync<ShardException>(async () => await store.Shard(1).OpenReaderAsync(null, default));

        Assert.Equal(ShardFailure.Moved, failure.Failure);
    }

    [Fact]
    public async Task Ids_of_several_processes_differ_and_numbers_are_given_back()
    {
        var layout = await server.DatabasesAsync(1);
        var ids = new HashSet<ShardId>();
        for (var run = 0; run < 3; run++)
        {
            await using var one = await layout.StartAsync(1);
            await using var other = await layout.StartAsync(1);
            for (var n = 0; n < 200; n++)
            {
                Assert.True(ids.Add(one.NewId("a")));
                Assert.True(ids.Add(other.NewId("a")));
            }

            Assert.Equal(one.Map.BucketOf("a"), one.Shard(one.NewId("a")).Bucket);
        }

        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT count(*) FROM tenfold.shard_instances WHERE expires_at > now()"));
    }

    internal static ShardKey KeyOf(ShardedStore store, int database) =>
        Enumerable.Range(0, 10_000).First(key => store.Map.DatabaseOf(store.Map.BucketOf(key)) == database);

    internal static Task<int> WriteAsync(ShardedStore store, ShardKey key, long id) => store.ExecuteAsync(
        key,
        new NpgsqlBatch
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("INSERT INTO orders (bucket_id, id, customer) VALUES ($1, $2, $2)") { Parameters = { new() { Value = store.Map.BucketOf(key) }, new() { Value = id } } },
            },
        },
        null,
        TestContext.Current.CancellationToken);
}
