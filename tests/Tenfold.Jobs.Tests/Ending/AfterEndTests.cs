using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Ending;

public sealed class AfterEndTests(JobServer server)
{
    [Fact]
    public async Task Marks_are_locked_in_their_order_whatever_order_jobs_end_in()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_unique (kind, value, job, until) SELECT 'k', chr(96 + n), n, 2 FROM generate_series(1, 9) AS n");
        await using var holding = await database.Source.OpenConnectionAsync();
        await using var held = await holding.BeginTransactionAsync();
        await new Npgsql.NpgsqlCommand("SELECT FROM tenfold.job_unique WHERE value = 'a' FOR UPDATE", holding).ExecuteNonQueryAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        Gone[] gone = [.. Enumerable.Range(1, 9).Reverse().Select(n => new Gone(n, "k", "q", null, $"{(char)(96 + n)}", null, false, false, JobOutcome.Completed))];

        var ending = AfterEnd.ApplyAsync(connection, gone, default);

        await Wait.ForAsync("it to wait for the first", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is 1L);
        Assert.Equal(8L, await database.ExecuteAsync("SELECT count(*) FROM (SELECT FROM tenfold.job_unique FOR UPDATE SKIP LOCKED) AS free"));
        await held.RollbackAsync();
        await ending;
        await transaction.CommitAsync();
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_unique"));
    }

    [Fact]
    public async Task A_job_that_waits_for_several_is_ready_when_the_last_of_them_has_completed_and_not_before()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_edges VALUES (1, 100), (2, 100), (3, 100), (1, 101)");
        await WaitsAsync(database, 100, waits: 3);
        await WaitsAsync(database, 101, waits: 1, "now() + interval '1 h'");

        await EndAsync(database, Ended(1, isFollowed: true));
        Assert.Equal("100 2 blocked,101 0 scheduled", await StatesAsync(database));
        await EndAsync(database, Ended(2, isFollowed: true));
        Assert.Equal("100 1 blocked,101 0 scheduled", await StatesAsync(database));
        Assert.Equal(["q"], await EndAsync(database, Ended(3, isFollowed: true)));
        Assert.Equal("100 0 ready,101 0 scheduled", await StatesAsync(database));
    }

    [Fact]
    public async Task The_last_job_of_a_batch_is_ready_when_the_last_of_its_jobs_has_ended_in_whatever_way_and_not_before()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_batches (id, total) VALUES (100, 4)");
        await WaitsAsync(database, 100, waits: 1);

        Assert.Empty(await EndAsync(database, Ended(1, batch: 100), Ended(2, batch: 100, JobOutcome.Failed)));
        Assert.Empty(await EndAsync(database, Ended(3, batch: 100, outcome: null))); // it goes back
        Assert.Empty(await EndAsync(database, Ended(3, batch: 100, JobOutcome.Cancelled)));
        Assert.Equal("100 1 blocked", await StatesAsync(database));
        Assert.Equal(["q"], await EndAsync(database, Ended(4, batch: 100)));

        Assert.Equal("100 0 ready", await StatesAsync(database));
        Assert.Equal("2 1 1", await database.ExecuteAsync("SELECT format('%s %s %s', completed, failed, cancelled) FROM tenfold.job_batches"));
    }

    private static Gone Ended(long id, long? batch = null, JobOutcome? outcome = JobOutcome.Completed, bool isFollowed = false) => new(id, "k", "q", null, null, batch, isFollowed, false, outcome);

    private static async Task<IReadOnlySet<string>> EndAsync(JobDatabase database, params Gone[] gone)
    {
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var ready = await AfterEnd.ApplyAsync(connection, gone, default);
        await transaction.CommitAsync();
        return ready;
    }

    private static Task<object?> WaitsAsync(JobDatabase database, long id, int waits, string runAt = "NULL") =>
        database.ExecuteAsync($"INSERT INTO tenfold.jobs (id, queue, lane, kind, payload, waits, run_at) VALUES ({id}, 'q', 11, 'k', '{{}}', {waits}, {runAt})");

    private static Task<object?> StatesAsync(JobDatabase database) => database.ExecuteAsync(
        "SELECT string_agg(format('%s %s %s', id, waits, CASE WHEN place IS NOT NULL THEN 'ready' WHEN waits > 0 THEN 'blocked' ELSE 'scheduled' END), ',' ORDER BY id) FROM tenfold.jobs");
}
