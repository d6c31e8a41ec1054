using Npgsql;
using Tenfold.Jobs.Schema;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Faults;

public sealed class KilledWorkersTests(JobServer shared)
{
    private const string Tables = "CREATE TABLE effects (job bigint); CREATE TABLE attempts (job bigint); CREATE TABLE committed (n bigint GENERATED ALWAYS AS IDENTITY)";

    [Fact]
    public Task Jobs_have_their_effect_once_although_workers_are_killed_and_PostgreSQL_crashes() => KillAsync(jobs: 4_000, workers: 2, kills: 2);

    [Fact]
    [Trait("Suite", "soak")]
    public Task A_hundred_thousand_jobs_have_their_effect_once_although_workers_are_killed_for_a_minute_and_PostgreSQL_crashes() => KillAsync(jobs: 100_000, workers: 4, kills: 40);

    [Fact]
    public async Task A_job_that_was_committed_runs_although_the_process_died_in_or_right_after_the_commit()
    {
        await using var database = await shared.DatabaseAsync();
        await database.ExecuteAsync(Tables);
        await using (var enqueuer = HostProcess.Start("enqueue", database.ConnectionString, "25"))
        {
            await enqueuer.ExitAsync();
        }

        await using var worker = await HostProcess.WorkAsync(database.ConnectionString);
        await Wait.ForAsync("every committed job to have its effect", async () => await database.ExecuteAsync("SELECT (SELECT count(*) FROM effects) = (SELECT count(*) FROM committed)") is true);
        Assert.True(await database.ExecuteAsync("SELECT count(*) >= 25 FROM committed") is true);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) - count(DISTINCT job) FROM effects"));
    }

    [Fact]
    public async Task A_job_that_kills_its_worker_is_a_dead_letter_after_three_deaths_and_jobs_beside_it_are_not()
    {
        await using var database = await shared.DatabaseAsync();
        await database.ExecuteAsync(Tables);
        await database.ExecuteAsync("INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, 'poison', 11, 'poison', '{\"Number\":1}' FROM nextval('tenfold.job_ids') AS n");
        await database.ExecuteAsync("INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, 'effects', 11, 'effect', '{\"Number\":1}' FROM (SELECT nextval('tenfold.job_ids') AS n FROM generate_series(1, 8)) AS numbers");
        var workers = new List<HostProcess>();
        try
        {
            await Wait.ForAsync("the poison to be a dead letter", async () =>
            {
                if (workers.All(worker => worker.HasExited))
                {
                    workers.Add(await HostProcess.WorkAsync(database.ConnectionString));
                }

                return await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 2") is 1L;
            });
            await Wait.ForAsync("the others to be done", async () => await database.ExecuteAsync("SELECT count(*) FROM effects") is 8L);
            Assert.Equal("poison 3", await database.ExecuteAsync("SELECT string_agg(format('%s %s', kind, deaths), ', ') FROM tenfold.jobs_ended WHERE outcome = 2"));
            Assert.True(await database.ExecuteAsync("SELECT jsonb_array_length(errors) >= 3 FROM tenfold.jobs_ended WHERE outcome = 2") is true);
        }
        finally
        {
            foreach (var worker in workers)
            {
                await worker.DisposeAsync();
            }
        }
    }

    private static async Task KillAsync(int jobs, int workers, int kills)
    {
        var random = new Random(20261121);
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync(Tables);
        await using (var connection = new NpgsqlConnection(server.ConnectionString))
        {
            await connection.OpenAsync();
            await JobSchema.EnsureAsync(connection, 0, default);
        }

        await server.ExecuteAsync($"INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, 'effects', 11, CASE WHEN n % 2000 = 0 THEN 'effect' ELSE 'inbox' END, '{{\"Number\":1}}' FROM (SELECT nextval('tenfold.job_ids') AS n FROM generate_series(1, {jobs})) AS numbers");
        var running = new List<HostProcess>();
        try
        {
            for (var i = 0; i < workers; i++)
            {
                running.Add(await HostProcess.WorkAsync(server.ConnectionString));
            }

            for (var kill = 0; kill < kills; kill++)
            {
                var before = await EndedAsync(server);
                await Wait.ForAsync("work to be done", async () => await EndedAsync(server) > before || await LeftAsync(server) == 0);
                var victim = random.Next(workers);
                await running[victim].KillAsync();
                await running[victim].DisposeAsync();
                if (kill == kills / 2)
                {
                    await server.KillAsync();
                    await server.StartAgainAsync();
                }

                running[victim] = await HostProcess.WorkAsync(server.ConnectionString);
            }

            await Wait.ForAsync("every job to have ended", async () => await LeftAsync(server) == 0);
        }
        finally
        {
            foreach (var worker in running)
            {
                await worker.DisposeAsync();
            }
        }

        Assert.Equal((long)jobs, await server.ExecuteAsync("SELECT count(*) FROM effects"));
        Assert.Equal((long)jobs, await server.ExecuteAsync("SELECT count(DISTINCT job) FROM effects"));
        Assert.Equal((long)jobs / 2, await server.ExecuteAsync("SELECT count(DISTINCT job) FROM attempts"));
        Assert.Equal(0L, await server.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome <> 1"));
    }

    private static async Task<long> EndedAsync(PostgresServer server) => (long)(await server.ExecuteAsync("SELECT count(*) FROM effects"))!;

    private static async Task<long> LeftAsync(PostgresServer server) => (long)(await server.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs) + (SELECT count(*) FROM tenfold.jobs_running)"))!;
}
