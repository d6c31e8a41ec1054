using Npgsql;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests;

public sealed class FailoverTests(Pair pair, Cluster cluster) : IClassFixture<Pair>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_promoted_replica_takes_the_writes_and_a_dead_primary_s_return_changes_nothing()
    {
        var (old, heir) = (pair.Primary, await pair.ReplicaAsync());
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(old, heir), options => options with { FailoverWait = PostgresServer.Patience });
        await old.ExecuteAsync("DROP TABLE IF EXISTS t; CREATE TABLE t (x int)");
        var caller = new Caller();
        await WriteAsync(store, caller, 1);
        await Wait.ForAsync("the replica has it", async () => 1L.Equals(await heir.ExecuteAsync("SELECT count(*) FROM t")));

        var before = Assert.Single(caller.Tokens).Timeline;
        await old.KillAsync();
        // Reads go on while there is no primary: also the caller's own, whose token the replica has reached.
        await Wait.ForAsync("reads go on", async () => await CountAsync(store, null) == 1);
        var writing = WriteAsync(store, caller, 2); // waits
        await heir.PromoteAsync();
        await writing;
        Assert.True(Assert.Single(caller.Tokens).Timeline > before);
        Assert.Equal(2, await CountAsync(store, caller));

        // The old primary comes back and still believes that it is one.
        await old.StartAgainAsync();
        await Wait.ForAsync("the old one answers", () => store.Status().All(server => server.Position is not null));
        await WriteAsync(store, caller, 3);
        Assert.Equal(3L, await heir.ExecuteAsync("SELECT count(*) FROM t"));
        Assert.Equal(1L, await old.ExecuteAsync("SELECT count(*) FROM t"));
        Assert.DoesNotContain(store.Status(), server => !server.IsPrimary && server.Serves);
        Assert.Equal(3, await CountAsync(store, null));
        await pair.ReplacedAsync();
    }

    [Fact]
    public async Task Promotion_with_a_frozen_primary_moves_the_writes()
    {
        var (old, heir) = (pair.Primary, await pair.ReplicaAsync());
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(old, heir), options => options with { FailoverWait = PostgresServer.Patience });
        await old.ExecuteAsync("DROP TABLE IF EXISTS t; CREATE TABLE t (x int)");
        await old.ExecuteAsync("INSERT INTO t VALUES (0)");
        await Wait.ForAsync("the replica has the row", async () => true.Equals(await heir.ExecuteAsync("SELECT to_regclass('t') IS NOT NULL")) && 1L.Equals(await heir.ExecuteAsync("SELECT count(*) FROM t WHERE x = 0")));
        old.Freeze();
        await heir.PromoteAsync();
        await Wait.ForAsync("the store has found it", () => store.Status().Any(server => server.IsPrimary && server.Server.EndsWith($":{heir.Port}", StringComparison.Ordinal)));
        await WriteAsync(store, null, 1);
        old.Thaw();
        await WriteAsync(store, null, 2);
        Assert.Equal(3L, await heir.ExecuteAsync("SELECT count(*) FROM t"));
        await pair.ReplacedAsync();
    }

    [Fact]
    public async Task A_read_goes_elsewhere_when_its_replica_dies_under_it()
    {
        var (primary, replica) = (pair.Primary, await pair.ReplicaAsync());
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(primary, replica));
        await Wait.ForAsync("the replica serves", () => store.Status().Any(server => !server.IsPrimary && server.Serves));
        await (await store.OpenReaderAsync(null, Cancel)).DisposeAsync(); // a pooled connection that will be dead
        await replica.KillAsync();
        Assert.Equal(1, await store.ReadAsync(null, 0, static async (connection, _, cancel) =>
        {
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            return (int)(await command.ExecuteScalarAsync(cancel))!;
        }, Cancel));
        await (await store.OpenReaderAsync(null, Cancel)).DisposeAsync();
        await replica.StartAgainAsync();
        await Wait.ForAsync("the replica serves again", () => store.Status().Any(server => !server.IsPrimary && server.Serves));
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_reported_as_unknown_and_not_tried_again()
    {
        await cluster.Primary.ExecuteAsync("CREATE DATABASE deadly");
        await using var store = await Cluster.OpenAsync(cluster.Primary.ConnectionString.Replace("Database=postgres", "Database=deadly", StringComparison.Ordinal));
        await using var setup = await store.OpenWriterAsync(null, Cancel);
        await using var table = new NpgsqlCommand("CREATE TABLE t (x int); CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()", setup);
        await table.ExecuteNonQueryAsync(Cancel);
        var unknown = await Assert.ThrowsAsync<PostgresStoreException>(() => WriteAsync(store, null, 1));
        Assert.Equal(PostgresFailure.Unknown, unknown.Failure);
        Assert.Contains("may be committed or not", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_primary_a_write_ends_with_a_reason_after_the_wait()
    {
        var (primary, replica) = (pair.Primary, await pair.ReplicaAsync());
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(primary, replica), options => options with { FailoverWait = TimeSpan.FromSeconds(1) });
        await primary.KillAsync();
        var refused = await Assert.ThrowsAsync<PostgresStoreException>(() => WriteAsync(store, null, 1));
        Assert.Equal(PostgresFailure.NoPrimary, refused.Failure);
        Assert.Contains($"127.0.0.1:{replica.Port} (a replica)", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was executed", refused.Message, StringComparison.Ordinal);
        await primary.StartAgainAsync();
    }

    private static async Task WriteAsync(PostgresStore store, Caller? caller, int x) => await store.WriteAsync(caller, x, static async (connection, x, cancel) =>
    {
        await using var command = new NpgsqlCommand("INSERT INTO t VALUES ($1)", connection) { Parameters = { new() { Value = x } } };
        return await command.ExecuteNonQueryAsync(cancel);
    }, Cancel);

    private static async Task<long> CountAsync(PostgresStore store, Caller? caller) => await store.ReadAsync(caller, 0, static async (connection, _, cancel) =>
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM t", connection);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }, Cancel);
}
