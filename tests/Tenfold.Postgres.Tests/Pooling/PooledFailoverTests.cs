using Npgsql;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Pooling;

public sealed class PooledFailoverTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_write_finds_the_new_primary_behind_its_own_pooler()
    {
        await using var old = await PostgresServer.StartAsync();
        await using var heir = await old.ReplicaAsync();
        await using var first = await PgBouncer.StartAsync(old, waitSeconds: 2);
        await using var second = await PgBouncer.StartAsync(heir, waitSeconds: 2);
        await using var store = await Cluster.OpenAsync(
            $"Host=127.0.0.1:{first.Port},127.0.0.1:{second.Port};Username=postgres;Database=postgres", options => options with { Pooler = new TransactionPooler(PgBouncer.Readers), FailoverWait = PostgresServer.Patience });
        await old.ExecuteAsync("CREATE TABLE moved (x int)");
        await WriteAsync(1);
        await Wait.ForAsync("the replica has it", async () => await heir.ExecuteAsync("SELECT count(*) FROM moved") is 1L);
        await old.KillAsync();
        var writing = WriteAsync(2); // waits
        await heir.PromoteAsync();
        await writing.WaitAsync(PostgresServer.Patience, Cancel);
        Assert.Equal(2L, await heir.ExecuteAsync("SELECT count(*) FROM moved"));
        Assert.Equal($"127.0.0.1:{second.Port}", store.Status().Single(server => server.IsPrimary).Server);

        Task<int> WriteAsync(int x) => store.WriteAsync(null, x, static async (connection, x, cancel) =>
        {
            await using var command = new NpgsqlCommand("INSERT INTO moved VALUES ($1)", connection) { Parameters = { new() { Value = x } } };
            return await command.ExecuteNonQueryAsync(cancel);
        }, Cancel).AsTask();
    }
}
