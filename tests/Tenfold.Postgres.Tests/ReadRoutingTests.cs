using Npgsql;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests;

public sealed class ReadRoutingTests(Cluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Roles_are_found_by_asking_whatever_the_order()
    {
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(cluster.Late, cluster.Quick, cluster.Primary));
        var primary = Assert.Single(store.Status(), server => server.IsPrimary);
        Assert.EndsWith($":{cluster.Primary.Port}", primary.Server, StringComparison.Ordinal);
        Assert.All(store.Status(), server => Assert.Equal(1u, server.Position!.Value.Timeline));
        Assert.Single(store.Status().Select(server => server.Position!.Value.SystemId).Distinct());
        Assert.False(await IsReplicaAsync(await store.OpenWriterAsync(null, Cancel)));
        await Wait.ForAsync("the quick replica serves", () => store.Status().Any(server => server.Server.EndsWith($":{cluster.Quick.Port}", StringComparison.Ordinal) && server.Serves));
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(null, Cancel)));
        Assert.True(await IsReplicaAsync(await store.Reader().OpenConnectionAsync(Cancel)));
    }

    [Fact]
    public async Task Who_is_about_to_write_reads_from_the_primary_until_the_token_is_taken()
    {
        await using var store = await QuickAsync();
        var caller = new Caller();
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(caller, Cancel)));
        await using (await store.OpenWriterAsync(caller, Cancel))
        {
            Assert.True(caller.IsWriting);
            Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(caller, Cancel)));
            Assert.False(await IsReplicaAsync(await store.Reader(caller).OpenConnectionAsync(Cancel)));
        }

        await caller.TakeTokensAsync(Cancel);
        Assert.False(caller.IsWriting);
        var token = Assert.Single(caller.Tokens);
        await ReachedAsync(cluster.Quick, token);
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(token), Cancel)));
    }

    [Fact]
    public async Task A_replica_that_has_not_reached_the_token_is_not_asked()
    {
        await using var store = await QuickAsync();
        var here = await TokenAsync();
        await ReachedAsync(cluster.Quick, here);
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(here), Cancel)));
        Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(here with { Lsn = new(ulong.MaxValue) }), Cancel)));
        Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(here with { Timeline = 2 }), Cancel)));
        // Another cluster's token is about other data.
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(here with { SystemId = 7, Lsn = new(ulong.MaxValue) }), Cancel)));
    }

    [Fact]
    public async Task A_replica_that_is_minutes_behind_serves_nobody_and_is_shown_as_such()
    {
        await using var behind = await cluster.Primary.ReplicaAsync("recovery_min_apply_delay=10min");
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(cluster.Primary, behind), options => options with { ReplicaLag = TimeSpan.FromMilliseconds(300) });
        // Its lag is seen by what it lacks: there must be something.
        await cluster.Primary.ExecuteAsync("SELECT pg_logical_emit_message(true, 'test', 'something')");
        await Wait.ForAsync("it is out of rotation", () => store.Status().Any(server => server is { IsPrimary: false, Serves: false, Position: not null, Lag: null or { TotalMilliseconds: > 300 } }));
        var before = store.ReplicaReads;
        for (var i = 0; i < 5; i++)
        {
            Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(new Caller(), Cancel)));
        }

        Assert.Equal(before, store.ReplicaReads);
    }

    [Fact]
    public async Task A_replica_that_says_that_it_is_leaving_is_read_from_no_more_until_it_says_that_it_stays()
    {
        await using var leaving = await cluster.Primary.ReplicaAsync();
        await using var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(cluster.Primary, leaving));
        await Wait.ForAsync("it serves", () => store.Status().Any(server => server is { IsPrimary: false, Serves: true }));
        Assert.True(await IsReplicaAsync(await store.OpenReaderAsync(null, Cancel)));

        await SayAsync("on");
        await Wait.ForAsync("it is out of rotation", () => store.Status().Any(server => server is { IsPrimary: false, Serves: false, Position: not null }));
        Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(null, Cancel)));

        await SayAsync("off");
        await Wait.ForAsync("it serves again", () => store.Status().Any(server => server is { IsPrimary: false, Serves: true }));

        async Task SayAsync(string value)
        {
            await File.AppendAllTextAsync(Path.Combine(leaving.Data, "postgresql.auto.conf"), $"tenfold.leaving = '{value}'\n", Cancel);
            await leaving.ExecuteAsync("SELECT pg_reload_conf()");
        }
    }

    [Fact]
    public async Task A_write_through_a_reader_is_refused_on_the_replica_and_on_the_primary()
    {
        foreach (var servers in new[] { PostgresServer.ConnectionStringOf(cluster.Primary, cluster.Quick), cluster.Primary.ConnectionString })
        {
            await using var store = await Cluster.OpenAsync(servers);
            var refused = await Assert.ThrowsAsync<PostgresStoreException>(async () => await store.ReadAsync(null, 0, static async (connection, _, cancel) =>
            {
                await using var command = new NpgsqlCommand("CREATE TABLE written (x int)", connection);
                return await command.ExecuteNonQueryAsync(cancel);
            }, Cancel));
            Assert.Equal(PostgresFailure.WriteThroughReader, refused.Failure);
            Assert.Contains("Use Writer", refused.Message, StringComparison.Ordinal);
            await using var raw = store.Reader().CreateCommand("CREATE TABLE written (x int)");
            Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, (await Assert.ThrowsAsync<PostgresException>(() => raw.ExecuteNonQueryAsync(Cancel))).SqlState);
        }
    }

    [Fact]
    public async Task What_anybody_has_committed_is_seen_by_a_caller_that_sees_everything()
    {
        await using var store = await QuickAsync();
        await cluster.Primary.ExecuteAsync("CREATE TABLE everything (x int)");
        var everything = new Caller { SeesEverything = true };
        for (var i = 0; i < 50; i++)
        {
            await cluster.Primary.ExecuteAsync("INSERT INTO everything VALUES (1)");
            await using var connection = await store.OpenReaderAsync(everything, Cancel);
            await using var command = new NpgsqlCommand("SELECT count(*) FROM everything", connection);
            Assert.Equal(i + 1L, await command.ExecuteScalarAsync(Cancel));
        }

        Assert.True(store.ReplicaReads > 0, "no read was served by the replica");
    }

    [Fact]
    public async Task A_transaction_s_token_is_the_caller_s_and_it_sees_its_write()
    {
        await using var store = await QuickAsync();
        await cluster.Primary.ExecuteAsync("CREATE TABLE own (x int)");
        var caller = new Caller();
        for (var i = 1; i <= 20; i++)
        {
            await store.WriteAsync(caller, i, static async (connection, i, cancel) =>
            {
                await using var command = new NpgsqlCommand("INSERT INTO own VALUES ($1)", connection) { Parameters = { new() { Value = i } } };
                return await command.ExecuteNonQueryAsync(cancel);
            }, Cancel);
            Assert.False(caller.IsWriting);
            Assert.Equal(i, await store.ReadAsync(new Caller(caller.Tokens), 0, static async (connection, _, cancel) =>
            {
                await using var command = new NpgsqlCommand("SELECT max(x) FROM own", connection);
                return (int)(await command.ExecuteScalarAsync(cancel))!;
            }, Cancel));
        }
    }

    [Fact]
    public async Task A_single_server_serves_reads_and_writes_without_being_watched()
    {
        await using var store = await Cluster.OpenAsync(cluster.Primary.ConnectionString);
        var caller = new Caller();
        Assert.False(await IsReplicaAsync(await store.OpenWriterAsync(caller, Cancel)));
        Assert.False(await IsReplicaAsync(await store.OpenReaderAsync(caller, Cancel)));
        Assert.Null(Assert.Single(store.Status()).Position);
    }

    [Fact]
    public async Task Readers_without_a_replica_leave_half_of_the_connections_to_writers()
    {
        await using var store = await Cluster.OpenAsync(cluster.Primary.ConnectionString + ";Maximum Pool Size=4;Timeout=1");
        await using var first = await store.OpenReaderAsync(null, Cancel);
        await using var second = await store.OpenReaderAsync(null, Cancel);
        var busy = await Assert.ThrowsAsync<PostgresStoreException>(async () => await store.OpenReaderAsync(null, Cancel));
        Assert.Equal(PostgresFailure.Busy, busy.Failure);
        Assert.Contains("none of the 2 connections", busy.Message, StringComparison.Ordinal);
        Assert.Contains("within 1 s", busy.Message, StringComparison.Ordinal);
        await using var writer = await store.OpenWriterAsync(null, Cancel);
        await using var another = await store.OpenWriterAsync(null, Cancel);
    }

    [Fact]
    public async Task A_pool_that_is_nearly_used_up_is_told_once_a_minute_and_counted_each_time()
    {
        var (logger, time) = (new Lines(), new ManualTime());
        await using var store = new PostgresStore(new PostgresOptions { Name = "nearly-used-up", ConnectionString = cluster.Primary.ConnectionString + ";Maximum Pool Size=10" }, time, logger);
        foreach (var (seconds, used, told, counted) in ((int, int, int, long)[])[(1, 3, 0, 0), (1, 4, 1, 1), (30, 5, 1, 2), (31, 4, 2, 3)])
        {
            time.Advance(TimeSpan.FromSeconds(seconds));
            var open = new List<NpgsqlConnection>();
            while (open.Count < used)
            {
                open.Add(await store.OpenWriterAsync(null, Cancel));
            }

            foreach (var connection in open)
            {
                await connection.DisposeAsync();
            }

            Assert.Equal((told, counted), (logger.All.Count(line => line.Contains("4 of the 5 connections", StringComparison.Ordinal)), Metric("tenfold.postgres.connections.high", store.Name)));
        }
    }

    [Fact]
    public async Task Each_server_says_how_many_connections_it_takes()
    {
        await cluster.Primary.ExecuteAsync("DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 7");
        await using var store = await QuickAsync();
        Assert.Equal([(101, 97), (101, 97)], (await store.ConnectionsAsync(Cancel)).Select(server => (server.Most, server.Allowed)));
        await using var single = await Cluster.OpenAsync(cluster.Primary.ConnectionString.Replace("Username=postgres", "Username=few", StringComparison.Ordinal) + ";Maximum Pool Size=8");
        Assert.Equal((8, 7, "the role's CONNECTION LIMIT"), (await single.ConnectionsAsync(Cancel)).Select(server => (server.Most, server.Allowed, server.By)).Single());
    }

    // The sum over the pools of this store: other tests have stores of their own.
    private static long Metric(string instrument, string store)
    {
        var sum = 0L;
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (found, self) =>
        {
            if (found.Name == instrument)
            {
                self.EnableMeasurementEvents(found);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => sum += tags.ToArray().Contains(new("store", store)) ? value : 0);
        listener.Start();
        listener.RecordObservableInstruments();
        return sum;
    }

    private async Task<PostgresStore> QuickAsync()
    {
        // A patient wait: the machine may be busy, and what is asked here is who serves, not how fast.
        var store = await Cluster.OpenAsync(PostgresServer.ConnectionStringOf(cluster.Primary, cluster.Quick), options => options with { ReplicaLag = TimeSpan.FromSeconds(10), CatchUp = TimeSpan.FromSeconds(2) });
        await Wait.ForAsync("the replica serves", () => store.Status().Any(server => !server.IsPrimary && server.Serves));
        return store;
    }

    private async Task<ReadToken> TokenAsync()
    {
        await using var connection = new NpgsqlConnection(cluster.Primary.ConnectionString);
        await connection.OpenAsync(Cancel);
        return await ReadToken.TakeAsync(connection, Cancel);
    }

    private static Task ReachedAsync(PostgresServer replica, ReadToken token) =>
        Wait.ForAsync("the replica has reached the token", async () => true.Equals(await replica.ExecuteAsync($"SELECT pg_last_wal_replay_lsn() >= '{token.Lsn}'::pg_lsn")));

    private static async Task<bool> IsReplicaAsync(NpgsqlConnection connection)
    {
        await using (connection)
        {
            await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
            return (bool)(await command.ExecuteScalarAsync(Cancel))!;
        }
    }
}
