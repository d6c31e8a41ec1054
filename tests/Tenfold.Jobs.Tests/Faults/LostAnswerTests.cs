using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Faults;

public sealed class LostAnswerTests(JobServer server)
{
    [Fact]
    public async Task What_a_worker_has_claimed_without_hearing_of_it_is_given_back_when_its_connection_is_there_again_and_what_it_runs_is_not()
    {
        await using var database = await server.DatabaseAsync();
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (name, _, _) => name == "runs" ? finish.Task : Task.CompletedTask);
        await app.Client.EnqueueAsync(new Work("runs"));
        await Wait.ForAsync("it to run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 1L);
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs_running (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, worker, claimed_at)
            SELECT nextval('tenfold.job_ids'), 'work', 11, 'work', '{"Name":"unheard of"}', now(), 1, 0, 0, worker, now() FROM tenfold.jobs_running
            """);

        await database.ExecuteAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        await Wait.ForAsync("the other one to have run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND run = 2 AND failures = 0 AND deaths = 0") is 1L);
        finish.SetResult();
        await Wait.ForAsync("the first to have run once", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND run = 1") is 1L);
        Assert.Equal(["unheard of", "runs"], app.Done);
    }
}
