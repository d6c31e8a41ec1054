using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Pooling;

public sealed class PgBouncerTests(Cluster cluster)
{
    private static readonly TransactionPooler Pooler = new(PgBouncer.Readers);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_callers_share_few_sessions_and_no_statement_goes_astray()
    {
        await using var bouncer = await PgBouncer.StartAsync(cluster.Primary);
        await cluster.Primary.ExecuteAsync("CREATE TABLE pooled (id int PRIMARY KEY, n int NOT NULL)");
        await using var store = await Cluster.OpenAsync(bouncer.ConnectionString + ";Maximum Pool Size=40;Max Auto Prepare=50;Auto Prepare Min Usages=2", options => options with { Pooler = Pooler });
        await Task.WhenAll(Enumerable.Range(0, 16).Select(id => Task.Run(async () =>
        {
            for (var n = 1; n <= 20; n++)
            {
                await store.WriteAsync(null, (id, n), static async (connection, row, cancel) =>
                {
                    await using var command = new NpgsqlCommand("INSERT INTO pooled VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = pooled.n + 1", connection) { Parameters = { new() { Value = row.id }, new() { Value = row.n } } };
                    return await command.ExecuteNonQueryAsync(cancel);
                }, Cancel);
                Assert.Equal(n, await ReadAsync(store, null, "SELECT n FROM pooled WHERE id = $1", id));
            }
        }, Cancel)));
        Assert.True((long)(await cluster.Primary.ExecuteAsync("SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = 'postgres' AND backend_type = 'client backend' AND query LIKE '%pooled%' AND pid <> pg_backend_pid()"))! <= 4);
    }

    [Fact]
    public async Task A_reader_cannot_write_and_a_writer_still_can()
    {
        await using var bouncer = await PgBouncer.StartAsync(cluster.Primary);
        await cluster.Primary.ExecuteAsync("CREATE TABLE guarded_pool (x int)");
        await using var store = await Cluster.OpenAsync(bouncer.ConnectionString, options => options with { Pooler = Pooler });
        for (var i = 0; i < 5; i++)
        {
            await using (var reader = await store.OpenReaderAsync(null, Cancel))
            {
                await using var write = new NpgsqlCommand("INSERT INTO guarded_pool VALUES (1)", reader);
                Assert.Equal("25006", (await Assert.ThrowsAsync<PostgresException>(() => write.ExecuteNonQueryAsync(Cancel))).SqlState);
            }

            var refused = await Assert.ThrowsAsync<PostgresStoreException>(async () => await ReadAsync(store, null, "INSERT INTO guarded_pool VALUES ($1) RETURNING x", i));
            Assert.Equal(PostgresFailure.WriteThroughReader, refused.Failure);
            await using var writer = await store.OpenWriterAsync(null, Cancel);
            await using var command = new NpgsqlCommand("INSERT INTO guarded_pool VALUES (1)", writer);
            await command.ExecuteNonQueryAsync(Cancel);
        }

        Assert.Equal(5L, await cluster.Primary.ExecuteAsync("SELECT count(*) FROM guarded_pool"));
    }

    [Fact]
    public async Task A_database_for_readers_that_can_write_is_refused_and_so_is_what_a_session_would_have_to_keep()
    {
        await using var bouncer = await PgBouncer.StartAsync(cluster.Primary);
        await using var store = await Cluster.OpenAsync(bouncer.ConnectionString, options => options with { Pooler = new TransactionPooler(PgBouncer.Open) });
        var refused = await Assert.ThrowsAsync<PostgresStoreException>(async () => await store.OpenReaderAsync(null, Cancel));
        Assert.Equal(PostgresFailure.UnguardedReader, refused.Failure);
        Assert.Contains("connect_query", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ConnectionsAsync(Cancel));
        var options = new PostgresOptions { Name = "main", ConnectionString = bouncer.ConnectionString + ";Options=-c statement_timeout=5000", Pooler = Pooler };
        Assert.Contains("remove them", Assert.Throws<ArgumentException>(() => new PostgresStore(options, TimeProvider.System, NullLoggerFactory.Instance)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replicas_are_watched_tokens_hold_and_a_late_replica_is_not_read_too_early()
    {
        await using var primary = await PgBouncer.StartAsync(cluster.Primary);
        await using var late = await PgBouncer.StartAsync(cluster.Late);
        await cluster.Primary.ExecuteAsync("CREATE TABLE pooled_tokens (x int)");
        await using var store = await Cluster.OpenAsync(
            $"Host=127.0.0.1:{late.Port},127.0.0.1:{primary.Port};Username=postgres;Database=postgres", options => options with { Pooler = Pooler, ReplicaLag = TimeSpan.FromSeconds(30) });
        await Wait.ForAsync("the replica serves", () => store.Status().Any(server => !server.IsPrimary && server.Serves));
        Assert.Equal($"127.0.0.1:{primary.Port}", store.Status().Single(server => server.IsPrimary).Server);
        await Wait.ForAsync("the replica has the table", async () => await cluster.Late.ExecuteAsync("SELECT to_regclass('pooled_tokens')::text") is "pooled_tokens");
        var caller = new Caller();
        for (var i = 1; i <= 5; i++)
        {
            await store.WriteAsync(caller, i, static async (connection, i, cancel) =>
            {
                await using var command = new NpgsqlCommand("INSERT INTO pooled_tokens VALUES ($1)", connection) { Parameters = { new() { Value = i } } };
                return await command.ExecuteNonQueryAsync(cancel);
            }, Cancel);
            Assert.Equal(i, await ReadAsync(store, new Caller(caller.Tokens), "SELECT max(x) FROM pooled_tokens WHERE x <= $1", i));
        }

        await Wait.ForAsync("a replica serves the caller, too", async () =>
        {
            var before = store.ReplicaReads;
            Assert.Equal(5, await ReadAsync(store, new Caller(caller.Tokens), "SELECT max(x) FROM pooled_tokens WHERE x <= $1", 9));
            return store.ReplicaReads > before;
        });
    }

    [Fact]
    public async Task A_shard_map_is_followed_without_being_told()
    {
        await using var bouncer = await PgBouncer.StartAsync(cluster.Primary);
        await using var sharded = await ShardedStore.StartAsync(
            new ShardedStoreOptions { Home = new PostgresOptions { Name = "main", ConnectionString = bouncer.ConnectionString, Pooler = Pooler }, Poll = TimeSpan.FromMilliseconds(50) },
            TimeProvider.System, new Random(1), NullLoggerFactory.Instance, Cancel);
        var epoch = sharded.Map.Epoch;
        await cluster.Primary.ExecuteAsync("UPDATE tenfold.shard_map SET epoch = epoch + 1");
        await Wait.ForAsync("the new epoch is seen", () => sharded.Map.Epoch == epoch + 1);
    }

    private static ValueTask<int> ReadAsync(PostgresStore store, Caller? caller, string sql, int value) => store.ReadAsync(caller, (sql, value), static async (connection, ask, cancel) =>
    {
        await using var command = new NpgsqlCommand(ask.sql, connection) { Parameters = { new() { Value = ask.value } } };
        return (int)(await command.ExecuteScalarAsync(cancel))!;
    }, Cancel);
}
