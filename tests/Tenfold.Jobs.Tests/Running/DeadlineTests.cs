using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

public sealed class DeadlineTests(JobServer server)
{
    private const string Passed = "^JobFailedException: its deadline passed [0-9.]+ s before it could run$";

    [Fact]
    public async Task A_job_whose_deadline_passes_while_it_waits_for_whatever_fails_without_being_run_and_without_another_attempt()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            (name, _, _) => name.StartsWith("holds", StringComparison.Ordinal) ? hold.Task : Task.CompletedTask,
            options => options.Queues["work"] = new JobQueueOptions { Concurrency = 2, KeyConcurrency = 1 });
        var key = await app.Client.EnqueueAsync(new Work("holds the key"), new EnqueueOptions { Key = "a" });
        await Wait.ForAsync("the key to be taken", async () => await database.ExecuteAsync("SELECT running FROM tenfold.job_keys WHERE key = 'a'") is 1);
        await app.Client.EnqueueAsync(new Work("parked"), new EnqueueOptions { Key = "a", Deadline = DateTimeOffset.UtcNow.AddHours(1) });
        await Wait.ForAsync("one to be parked", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE key = 'a' AND place IS NULL AND run_at IS NULL") is 1L);
        await app.Client.EnqueueAsync(new Work("holds the last slot"));
        await Wait.ForAsync("no slot to be free", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 2L);
        await app.Client.EnqueueAsync(new Work("ready"), new EnqueueOptions { Deadline = DateTimeOffset.UtcNow.AddHours(1), Unique = new JobUnique("one") });
        await app.Client.EnqueueAsync(new Work("delayed"), new EnqueueOptions { Deadline = DateTimeOffset.UtcNow.AddHours(1), Delay = TimeSpan.FromMinutes(30) });
        await app.Client.EnqueueAsync(new Work("blocked"), new EnqueueOptions { Deadline = DateTimeOffset.UtcNow.AddHours(1), After = [key.Id] });
        Assert.Equal("blocked,delayed,parked,ready", await database.ExecuteAsync(
            """
            SELECT string_agg(CASE WHEN place IS NOT NULL THEN 'ready' WHEN waits > 0 THEN 'blocked' WHEN run_at IS NOT NULL THEN 'delayed' ELSE 'parked' END, ',' ORDER BY payload ->> 'Name') FROM tenfold.jobs
            """));

        // An hour and a second go by.
        await database.ExecuteAsync("UPDATE tenfold.jobs SET deadline = deadline - interval '3601 s', run_at = run_at - interval '3601 s'");
        hold.SetResult();

        await Wait.ForAsync("all to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 6L);
        Assert.Equal(["holds the key", "holds the last slot"], app.Done.Order());
        Assert.Equal("blocked,delayed,parked,ready", await database.ExecuteAsync(
            $"SELECT string_agg(payload ->> 'Name', ',' ORDER BY payload ->> 'Name') FROM tenfold.jobs_ended WHERE outcome = 2 AND failures = 1 AND errors -> 0 ->> 'error' ~ '{Passed}' AND jsonb_array_length(errors) = 1"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.job_unique) + (SELECT coalesce(sum(running), 0) FROM tenfold.job_keys)"));
    }

    [Fact]
    public async Task A_job_whose_deadline_passes_while_it_runs_is_stopped_and_fails()
    {
        await using var database = await server.DatabaseAsync();
        var time = new JumpingTime();
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (_, _, cancel) =>
            {
                began.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            },
            options => (options.PresumedDead, options.Queues["work"]) = (TimeSpan.FromMilliseconds(500), new JobQueueOptions { Timeout = TimeSpan.FromDays(1) }),
            time);
        await app.Client.EnqueueAsync(new Work("runs"), new EnqueueOptions { Deadline = DateTimeOffset.UtcNow.AddHours(1) });
        await began.Task.WaitAsync(PostgresServer.Patience);

        time.Jump(TimeSpan.FromHours(2));

        await Wait.ForAsync("it to have failed", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 2") is 1L);
        Assert.Matches("^its deadline passed while it ran, after [0-9.]+ s$", (string)(await database.ExecuteAsync("SELECT errors -> 0 ->> 'error' FROM tenfold.jobs_ended"))!);
        Assert.Empty(app.Done);
    }
}
