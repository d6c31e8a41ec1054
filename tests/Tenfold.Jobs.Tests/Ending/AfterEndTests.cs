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
}
