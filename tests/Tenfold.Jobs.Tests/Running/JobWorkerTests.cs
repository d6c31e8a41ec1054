using Npgsql;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

public sealed class JobWorkerTests(JobServer server)
{
    [Fact]
    public async Task A_job_runs_when_its_transaction_commits_and_never_when_it_is_rolled_back()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await using var connection = await app.Store.OpenWriterAsync(null, default);
        await using (var rolledBack = await connection.BeginTransactionAsync())
        {
            await app.Client.EnqueueAsync(connection, new Work("rolled back"));
            await rolledBack.RollbackAsync();
        }

        await using (var committed = await connection.BeginTransactionAsync())
        {
            await app.Client.EnqueueAsync(connection, new Work("committed"));
            Assert.Empty(app.Done);
            await committed.CommitAsync();
        }

        await Wait.ForAsync("the job that was committed", () => app.Done.Contains("committed"));
        await Wait.ForAsync("the database to say so", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 1L);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running"));
        Assert.Equal(["committed"], app.Done);
    }

    [Fact]
    public async Task Jobs_run_by_priority_and_then_in_order()
    {
        await using var database = await server.DatabaseAsync();
        await using (var enqueuer = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Work = []))
        {
            await enqueuer.Client.EnqueueAsync(new Work("third"));
            await enqueuer.Client.EnqueueAsync(new Work("last"), new EnqueueOptions { Priority = 9 });
            await enqueuer.Client.EnqueueAsync(new Work("fourth"));
            await enqueuer.Client.EnqueueAsync(new Work("first"), new EnqueueOptions { Priority = 0 });
            await enqueuer.Client.EnqueueAsync(new Work("second"), new EnqueueOptions { Priority = 4 });
        }

        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { Concurrency = 1 });
        await Wait.ForAsync("the handlers", () => app.Done.Count == 5);
        Assert.Equal(["first", "second", "third", "fourth", "last"], app.Done);
    }

    [Fact]
    public async Task A_failing_job_is_tried_again_after_its_pause_and_becomes_a_dead_letter_with_all_its_errors()
    {
        await using var database = await server.DatabaseAsync();
        var attempts = new List<int>();
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            (_, context, _) =>
            {
                attempts.Add(context.Attempt);
                Assert.Equal(context.Attempt == 3, context.IsLastAttempt);
                throw new InvalidOperationException($"no {context.Attempt}");
            },
            options => options.Queues["work"] = new JobQueueOptions { Attempts = 3, Backoff = new Backoff { First = TimeSpan.FromMilliseconds(20) } });
        var job = await app.Client.EnqueueAsync(new Work("fails"));
        await Wait.ForAsync("the database to say so", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 2") is 1L);
        Assert.Equal([1, 2, 3], attempts);
        Assert.Equal("InvalidOperationException: no 1|InvalidOperationException: no 2|InvalidOperationException: no 3", await database.ExecuteAsync($"SELECT string_agg(e ->> 'error', '|' ORDER BY i) FROM tenfold.jobs_ended, jsonb_array_elements(errors) WITH ORDINALITY AS errors_of (e, i) WHERE id = {job.Id}"));
        Assert.Equal(3, Convert.ToInt32(await database.ExecuteAsync($"SELECT failures FROM tenfold.jobs_ended WHERE id = {job.Id}")));
    }

    [Fact]
    public async Task A_delayed_job_runs_when_its_time_has_come_and_not_before()
    {
        await using var database = await server.DatabaseAsync();
        var early = true;
        await using var app = await JobApp.StartAsync(database.ConnectionString, async (_, context, _) =>
            early = await database.ExecuteAsync($"SELECT enqueued_at + interval '300 ms' > clock_timestamp() FROM tenfold.jobs_running WHERE id = {context.Id}") is true);
        await app.Client.EnqueueAsync(new Work("later"), new EnqueueOptions { Delay = TimeSpan.FromMilliseconds(300) });
        await Wait.ForAsync("the handlers", () => !app.Done.IsEmpty);
        Assert.False(early);
    }

    [Fact]
    public async Task Many_jobs_at_once_are_all_run_once()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await using var other = await JobApp.StartAsync(database.ConnectionString);
        await using (var connection = await app.Store.OpenWriterAsync(null, default))
        {
            await using var transaction = await connection.BeginTransactionAsync();
            var ids = await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(0, 5000).Select(i => new Work($"{i}"))]);
            Assert.Equal(5000, ids.Distinct().Count());
            await transaction.CommitAsync();
        }

        await Wait.ForAsync("the handlers", () => app.Done.Count + other.Done.Count >= 5000);
        await Wait.ForAsync("the database to say so", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 0L);
        Assert.Equal(5000, app.Done.Concat(other.Done).Distinct().Count());
        Assert.Equal(5000, app.Done.Count + other.Done.Count);
    }

    [Fact]
    public async Task A_handler_that_completes_its_job_in_its_own_transaction_has_its_effect_once()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE effects (job bigint)");
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (name, context, cancel) =>
            {
                await using var connection = await database.Source.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                await using var insert = new NpgsqlCommand($"INSERT INTO effects VALUES ({context.Id})", connection);
                await insert.ExecuteNonQueryAsync(cancel);
                await context.CompleteAsync(transaction, cancel);
                if (context.Attempt > 1)
                {
                    await transaction.CommitAsync(cancel);
                }
                else
                {
                    throw new InvalidOperationException("rolled back");
                }
            },
            options => options.Queues["work"] = new JobQueueOptions { Backoff = new Backoff { First = TimeSpan.FromMilliseconds(10) } });
        await app.Client.EnqueueAsync(new Work("effect"));
        await Wait.ForAsync("the handlers", () => !app.Done.IsEmpty);
        await Wait.ForAsync("the database to say so", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 1L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM effects"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs_running) + (SELECT count(*) FROM tenfold.jobs)"));
    }

    [Fact]
    public async Task A_worker_that_stops_finishes_what_runs_and_gives_back_what_does_not_run_yet()
    {
        await using var database = await server.DatabaseAsync();
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (_, _, _) =>
            {
                running.TrySetResult();
                await finish.Task;
            },
            options => options.Queues["work"] = new JobQueueOptions { Concurrency = 1 });
        await app.Client.EnqueueAsync(new Work("runs"));
        await app.Client.EnqueueAsync(new Work("waits"));
        await running.Task.WaitAsync(PostgresServer.Patience);
        var stopping = app.StopAsync();
        finish.SetResult();
        await stopping.WaitAsync(PostgresServer.Patience);
        Assert.Equal(["runs"], app.Done);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE place IS NOT NULL AND failures = 0"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_workers"));
        await app.DisposeAsync();
    }

    [Fact]
    public async Task Jobs_that_were_claimed_ahead_of_slow_ones_are_given_back()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString, (name, _, _) => name.StartsWith("slow", StringComparison.Ordinal) ? hold.Task : Task.CompletedTask, options => options.Queues["work"] = new JobQueueOptions { Concurrency = 2 });
        await using (var connection = await database.Source.OpenConnectionAsync())
        {
            // After some thousand quick ones a worker holds many ahead.
            await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(0, 3000).Select(i => new Work($"{i}")), .. Enumerable.Range(0, 3000).Select(i => new Work($"slow {i}"))]);
        }

        await Wait.ForAsync("the quick ones to be done", () => app.Done.Count == 3000);
        await Wait.ForAsync("only what runs to be held", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 2L);
        Assert.Equal(2998L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE place IS NOT NULL AND failures = 0 AND deaths = 0"));
        hold.SetResult();
    }
}
