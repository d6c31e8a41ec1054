using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests;

public sealed class PostgresStoreTests
{
    [Fact]
    public async Task A_token_of_the_primary_is_reached_by_its_replica()
    {
        await using var primary = await PostgresServer.StartAsync();
        await using var replica = await primary.ReplicaAsync();
        await using var store = new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = primary.ConnectionString }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var connection = await store.OpenWriterAsync(null, TestContext.Current.CancellationToken);
        await using (var command = new NpgsqlCommand("CREATE TABLE t (x int)", connection))
        {
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var token = await ReadToken.TakeAsync(connection, TestContext.Current.CancellationToken);
        Assert.Equal(1u, token.Timeline);
        Assert.Equal(true, await replica.ExecuteAsync($"SELECT system_identifier = {token.SystemId} FROM pg_control_system()"));
        var until = DateTime.UtcNow + PostgresServer.Patience;
        while (!true.Equals(await replica.ExecuteAsync($"SELECT pg_last_wal_replay_lsn() >= '{token.Lsn}'::pg_lsn")))
        {
            Assert.True(DateTime.UtcNow < until, "the replica did not get there");
        }

        Assert.Equal(0L, await replica.ExecuteAsync("SELECT count(*) FROM t"));
    }
}
