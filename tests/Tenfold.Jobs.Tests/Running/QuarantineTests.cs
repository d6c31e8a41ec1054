using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

public sealed class QuarantineTests(JobServer server)
{
    [Fact]
    public async Task Of_jobs_that_two_workers_have_died_with_one_runs_at_a_time_and_is_noted_and_others_run_beside_it()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload, deaths) SELECT n, n, 'work', 11, 'work', '{"Name":"suspect"}', 2 FROM (SELECT nextval('tenfold.job_ids') AS n FROM generate_series(1, 2)) AS numbers
            """);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (name, _, _) => name == "suspect" ? hold.Task : Task.CompletedTask);

        await Wait.ForAsync("one to be put off", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE run_at IS NOT NULL AND failures = 0 AND deaths = 2") is 1L);
        await Wait.ForAsync("the other to have begun", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running WHERE started AND deaths = 2") is 1L);
        await app.Client.EnqueueAsync(new Work("beside"));
        await Wait.ForAsync("another one to run beside it", () => app.Done.Contains("beside"));
        hold.SetResult();

        await Wait.ForAsync("both to have run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND failures = 0 AND deaths = 2") is 2L);
    }
}
