using Npgsql;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Moves;

public sealed class ReplicatedMoveTests(Cluster cluster)
{
    [Fact]
    public async Task A_bucket_moves_between_databases_with_replicas_and_one_that_lacks_its_rows_does_not_serve_it()
    {
        string[] names = ["moved_a", "moved_b"];
        foreach (var name in names)
        {
            await cluster.Primary.ExecuteAsync($"CREATE DATABASE {name}");
        }

        // The replica replays half a second late, and may serve.
        var both = PostgresServer.ConnectionStringOf(cluster.Primary, cluster.Late);
        var layout = new ShardLayout([.. names.Select(name => new NpgsqlConnectionStringBuilder(cluster.Primary.ConnectionString) { Database = name }.ConnectionString)]);
        string[] strings = [.. names.Select(name => new NpgsqlConnectionStringBuilder(both) { Database = name, MaxPoolSize = 10 }.ConnectionString)];
        foreach (var database in new[] { 0, 1 })
        {
            await layout.ExecuteAsync(database, ShardLayout.Tables);
        }

        await using var store = await ShardLayout.StartAsync(new ShardedStoreOptions
        {
            Home = new PostgresOptions { Name = "main", ConnectionString = strings[0], ReplicaLag = TimeSpan.FromMinutes(5) },
            Others = new Dictionary<int, string> { [1] = strings[1] },
            Scheme = BucketScheme.Hash(4),
        });
        var key = ShardedStoreTests.KeyOf(store, 0);
        var bucket = store.Map.BucketOf(key);
        await ShardedStoreTests.WriteAsync(store, key, 1);
        var seen = (0L, false);

        await new BucketMover(
            store,
            Moved.Quick with
            {
                AfterStep = async (step, _) =>
                {
                    if (step == MoveStep.Compared)
                    {
                        await ShardedStoreTests.WriteAsync(store, key, 2);
                    }
                    else if (step == MoveStep.Flipped)
                    {
                        await store.ReachAsync(2, default);
                        seen = await ReadAsync();
                    }
                },
            },
            _ => { }).MoveAsync([bucket], 1, default);

        Assert.Equal(2, seen.Item1);
        Assert.Equal(1, store.Map.DatabaseOf(bucket));
        await Moved.AssertSettledAsync(layout, store);
        await Wait.ForAsync("the replica serves it, with all rows", async () => await ReadAsync() == (2L, true));

        async Task<(long Rows, bool Replica)> ReadAsync()
        {
            await using var connection = await store.Shard(key).OpenReaderAsync(null, default);
            return (await Sql.ScalarAsync<long>(connection, "SELECT count(*) FROM orders WHERE bucket_id = $1", default, bucket), await Sql.ScalarAsync<bool>(connection, "SELECT pg_is_in_recovery()", default));
        }
    }
}
