using Tenfold.Jobs.Living;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class HousekeepingTests(JobServer server)
{
    [Fact]
    public async Task All_that_is_too_much_goes_in_chunks_that_commit_by_themselves()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_inbox SELECT 's', n::text, now() - interval '31 days' FROM generate_series(1, 25000) AS n; INSERT INTO tenfold.job_inbox VALUES ('s', 'young')");
        await database.ExecuteAsync("INSERT INTO tenfold.job_unique SELECT 'k', n::text, n, 3, now() - interval '1 s' FROM generate_series(1, 12000) AS n; INSERT INTO tenfold.job_unique VALUES ('k', 'later', 1, 3, now() + interval '1 h'), ('k', 'ever', 1, 2, NULL)");
        await database.ExecuteAsync("INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome) SELECT n, 'own', 11, 'k', '{}', now(), 1, 0, 0, 1 FROM generate_series(1, 25000) AS n");
        await database.ExecuteAsync("CREATE TABLE chunks (rows bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO chunks SELECT count(*) FROM old; RETURN NULL; END'; CREATE TRIGGER note AFTER DELETE ON tenfold.jobs_ended REFERENCING OLD TABLE AS old EXECUTE FUNCTION note()");
        await using var connection = await database.Source.OpenConnectionAsync();
        var housekeeping = new Housekeeping(new JobOptions(), ["own"], TimeProvider.System);

        while (await housekeeping.RunAsync(connection, default))
        {
            // there is more
        }

        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_inbox"));
        Assert.Equal(2L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_unique"));
        Assert.Equal(1000L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"));
        Assert.Equal("10000,10000,4000", await database.ExecuteAsync("SELECT string_agg(rows::text, ',' ORDER BY rows DESC) FROM chunks WHERE rows > 0"));
    }

    [Fact]
    public async Task The_first_job_of_each_parked_key_that_nothing_runs_of_is_freed_and_all_jobs_of_queues_without_a_limit()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_keys (queue, key, running, tat) VALUES ('limited', 'busy', 1, now()), ('limited', 'idle', 0, now())");
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs (id, queue, lane, kind, payload, key) SELECT nextval('tenfold.job_ids'), queue, 11, 'k', '{}', key
            FROM (VALUES ('limited', 'busy'), ('limited', 'idle'), ('limited', 'unknown'), ('free', 'any')) AS kinds (queue, key), generate_series(1, 3)
            """);
        var options = new JobOptions();
        options.Queues["limited"] = new JobQueueOptions { KeyConcurrency = 1 };
        await using var connection = await database.Source.OpenConnectionAsync();

        Assert.False(await new Housekeeping(options, ["limited", "free"], TimeProvider.System).RunAsync(connection, default));

        Assert.Equal("free any 3, limited idle 1, limited unknown 1", await database.ExecuteAsync(
            "SELECT string_agg(format('%s %s %s', queue, key, count), ', ' ORDER BY queue, key) FROM (SELECT queue, key, count(*) FROM tenfold.jobs WHERE place IS NOT NULL AND lane = 10 GROUP BY 1, 2) AS ready"));
    }

    [Fact]
    public async Task A_batch_is_forgotten_when_its_last_job_is_not_there_any_more()
    {
        await using var database = await server.DatabaseAsync();
        var (waiting, running, ended) = (await database.WaitingAsync(), await database.RunningAsync(), await database.EndedAsync());
        await database.ExecuteAsync($"INSERT INTO tenfold.job_batches (id, total) VALUES ({waiting}, 1), ({running}, 1), ({ended}, 1), (7, 1)");
        await using var connection = await database.Source.OpenConnectionAsync();

        await new Housekeeping(new JobOptions(), ["q"], TimeProvider.System).RunAsync(connection, default);

        Assert.Equal($"{waiting},{running},{ended}", await database.ExecuteAsync("SELECT string_agg(id::text, ',' ORDER BY id) FROM tenfold.job_batches"));
    }
}
