using System.Collections.Concurrent;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class ShardDatabasesTests
{
    private readonly ConcurrentQueue<string> _reports = new();

    [Fact]
    public async Task A_store_grows_while_it_runs_and_its_databases_can_replicate_to_one_another()
    {
        await using var temporary = new TemporaryState("shop");
        await using (var stores = await StartAsync(temporary, shards: 1))
        {
            var pid = stores.Status()[0].Pid;
            var prepared = new List<string>();
            Assert.Equal(["main_1"], await stores.GrowAsync("main", Guide(2), (name, text) => { prepared.Add(name); return QueryAsync(text, "SELECT 1"); }, default));
            Assert.Equal(["main_1"], prepared);
            Assert.Empty(await stores.GrowAsync("main", Guide(2), (_, _) => Task.CompletedTask, default));
            var fewer = await Assert.ThrowsAsync<RuntimeException>(() => stores.GrowAsync("main", Guide(1), (_, _) => Task.CompletedTask, default));
            Assert.Contains("1 are fewer than the 2 databases that run", fewer.Message, StringComparison.Ordinal);

            Assert.Equal(pid, stores.Status()[0].Pid);
            Assert.Equal([("main", 0), ("main_1", 1)], stores.Status().Select(one => (one.Name, one.Database)));
            Assert.Equal(["main", "main_1"], stores.ConnectionStrings("main").Select(one => one.Key));

            // What moving a bucket needs: a subscription as the superuser, from server to server.
            var (home, other) = (stores.Databases()[0].AdminConnectionString, stores.Databases()[1].AdminConnectionString);
            foreach (var (_, text) in stores.ConnectionStrings("main"))
            {
                await QueryAsync(text, "CREATE TABLE moved (x int PRIMARY KEY)");
            }

            await QueryAsync(stores.ConnectionString("main"), "INSERT INTO moved VALUES (7)");
            await QueryAsync(home, "CREATE PUBLICATION moving FOR TABLE moved");
            var from = new NpgsqlConnectionStringBuilder(home);
            await QueryAsync(other, $"CREATE SUBSCRIPTION moving CONNECTION 'host={from.Host} port={from.Port} user={from.Username} dbname={from.Database}' PUBLICATION moving");
            var moved = 0L;
            await Limits.UntilAsync(() => moved == 1, async () => moved = (long)(await QueryAsync(other, "SELECT count(*) FROM moved"))!, "the row on the other database");
            await QueryAsync(other, "DROP SUBSCRIPTION moving");
        }

        var error = await Assert.ThrowsAsync<RuntimeException>(() => StartAsync(temporary, shards: 1));
        Assert.Equal(RuntimeFailure.Guide, error.Failure);
        Assert.Contains("stores.main.shards: the guide says 1, but ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(ProcessTable.All(), row => StoreServers.StoreOf(row, temporary.State) is not null);
    }

    private static SystemGuide Guide(int shards) => new()
    {
        System = "shop",
        Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres, Shards = shards, Memory = ByteSize.FromMebibytes(16) } },
    };

    private Task<StoreSet> StartAsync(TemporaryState temporary, int shards) =>
        StoreSet.StartAsync(Guide(shards), temporary.State, new StoreOptions { Durable = false, Report = _reports.Enqueue }, default);

    private static async Task<object?> QueryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
