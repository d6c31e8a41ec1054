using Npgsql;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

public sealed class DrainTests(JobServer server)
{
    [Fact]
    public async Task Handlers_that_outlast_the_drain_are_told_and_their_jobs_are_given_back_first_of_their_priority_whether_they_heed_it_or_not()
    {
        await using var database = await server.DatabaseAsync();
        var begun = new CountdownEvent(2);
        var told = new CountdownEvent(2);
        var deaf = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (name, _, cancel) =>
            {
                using var registration = cancel.Register(() => told.Signal());
                begun.Signal();
                await (name == "deaf" ? deaf.Task : Task.Delay(Timeout.Infinite, cancel));
            },
            options => options.Drain = TimeSpan.FromMilliseconds(10));
        await app.Client.EnqueueAsync(new Work("heeds"));
        await app.Client.EnqueueAsync(new Work("deaf"));
        await Wait.ForAsync("both to run", () => begun.IsSet);

        await app.StopAsync().WaitAsync(PostgresServer.Patience);

        Assert.True(told.IsSet);
        Assert.Equal(2L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE place IS NOT NULL AND lane = 10 AND failures = 0 AND deaths = 0 AND errors IS NULL"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs_running) + (SELECT count(*) FROM tenfold.job_workers)"));
        deaf.SetResult();
    }

    [Fact]
    public async Task What_was_claimed_ahead_is_given_back_at_once_and_not_when_what_runs_has_ended()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString, (name, _, _) => name.StartsWith("slow", StringComparison.Ordinal) ? hold.Task : Task.CompletedTask, options => options.Queues["work"] = new JobQueueOptions { Concurrency = 2 });
        await using (var connection = await database.Source.OpenConnectionAsync())
        {
            await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(0, 1000).Select(i => new Work($"{i}")), .. Enumerable.Range(0, 1000).Select(i => new Work($"slow {i}"))]);
        }

        await Wait.ForAsync("the quick ones to be done", () => app.Done.Count == 1000);
        var stopping = app.StopAsync();
        await Wait.ForAsync("no more than what runs to be held", async () => await database.ExecuteAsync("SELECT count(*) <= 2 FROM tenfold.jobs_running") is true);
        hold.SetResult();

        await stopping.WaitAsync(PostgresServer.Patience);
        Assert.Equal(2000L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs WHERE place IS NOT NULL AND failures = 0) + (SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1)"));
    }

    [Fact]
    public async Task What_had_ended_is_written_by_a_worker_that_stops_although_somebody_held_its_row()
    {
        await using var database = await server.DatabaseAsync();
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (_, _, _) => finish.Task);
        await app.Client.EnqueueAsync(new Work("held"));
        await Wait.ForAsync("it to run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 1L);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await new NpgsqlCommand("SELECT FROM tenfold.jobs_running FOR UPDATE", connection).ExecuteNonQueryAsync();
        finish.SetResult();
        await Wait.ForAsync("its end to wait", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is 1L);

        var stopping = app.StopAsync();
        await transaction.RollbackAsync();
        await stopping.WaitAsync(PostgresServer.Patience);

        Assert.Equal("1 0 0", await database.ExecuteAsync("SELECT format('%s %s %s', (SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1), (SELECT count(*) FROM tenfold.jobs), (SELECT count(*) FROM tenfold.jobs_running))"));
    }
}
