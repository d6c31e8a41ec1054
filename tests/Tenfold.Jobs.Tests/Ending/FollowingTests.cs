using Npgsql;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Ending;

/// <summary>Jobs that wait for others, batches, unique jobs.</summary>
public sealed class FollowingTests(JobServer server)
{
    private static readonly EnqueueOptions OneAttempt = new() { Attempts = 1 };

    [Fact]
    public async Task A_job_runs_after_all_jobs_that_it_waits_for_also_when_these_have_run_already()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, async (name, _, cancel) => await Task.Delay(name.StartsWith("slow", StringComparison.Ordinal) ? 50 : 0, cancel));
        var early = await app.Client.EnqueueAsync(new Work("early"));
        await Wait.ForAsync("the first to be done", () => app.Done.Contains("early"));
        var one = await app.Client.EnqueueAsync(new Work("slow one"));
        var two = await app.Client.EnqueueAsync(new Work("slow two"));
        var middle = await app.Client.EnqueueAsync(new Work("middle"), new EnqueueOptions { After = [early.Id, one.Id, two.Id, one.Id] });
        await app.Client.EnqueueAsync(new Work("last"), new EnqueueOptions { After = [middle.Id] });
        await Wait.ForAsync("all to be done", () => app.Done.Count == 5);
        Assert.Equal(["middle", "last"], app.Done.TakeLast(2));
        await Wait.ForAsync("all to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 5L);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_edges"));
    }

    [Fact]
    public async Task Jobs_that_wait_for_one_that_fails_fail_with_it_and_those_behind_them_too()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(database.ConnectionString, async (_, _, _) =>
        {
            await hold.Task;
            throw new InvalidOperationException("no");
        });
        var first = await app.Client.EnqueueAsync(new Work("fails"), OneAttempt);
        var second = await app.Client.EnqueueAsync(new Work("second"), new EnqueueOptions { After = [first.Id] });
        var third = await app.Client.EnqueueAsync(new Work("third"), new EnqueueOptions { After = [second.Id] });
        hold.SetResult();
        await Wait.ForAsync("all to have failed", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 2") is 3L);
        Assert.Equal($"job {second.Id}, which this one waited for, did not complete", await database.ExecuteAsync($"SELECT errors -> 0 ->> 'error' FROM tenfold.jobs_ended WHERE id = {third.Id}"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs) + (SELECT count(*) FROM tenfold.job_edges)"));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => app.Client.EnqueueAsync(new Work("late"), new EnqueueOptions { After = [first.Id] }));
        Assert.Equal($"job {first.Id}, which this one would wait for, has failed", refused.MessageText);
    }

    [Fact]
    public async Task The_last_job_of_a_batch_runs_when_all_have_ended_and_is_told_how()
    {
        await using var database = await server.DatabaseAsync();
        JobBatch? seen = null;
        JobApp? app = null;
        app = await JobApp.StartAsync(database.ConnectionString, async (name, context, cancel) =>
        {
            if (name == "final")
            {
                seen = await app!.Client.FindBatchAsync(context.Id, cancel);
            }
            else if (name == "7")
            {
                throw new InvalidOperationException("seven");
            }
        });
        await using var own = app;
        long batch;
        await using (var connection = await app.Store.OpenWriterAsync(null, default))
        {
            await using var transaction = await connection.BeginTransactionAsync();
            batch = await app.Client.EnqueueBatchAsync(transaction, [.. Enumerable.Range(0, 50).Select(i => new Work($"{i}"))], new OtherWork("final"), OneAttempt);
            await transaction.CommitAsync();
        }

        await Wait.ForAsync("the final job", () => app.Done.Contains("final"));
        Assert.Equal(new JobBatch(batch, 50, 49, 1, 0), seen);
        Assert.Equal("final", app.Done.Last());
        await Wait.ForAsync("the batch to be gone", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_batches") is 0L);
    }

    [Fact]
    public async Task While_a_unique_job_waits_or_runs_another_one_is_not_enqueued()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (_, _, _) =>
        {
            running.TrySetResult();
            return hold.Task;
        });
        var unique = new EnqueueOptions { Unique = new JobUnique("a") };
        var first = await app.Client.EnqueueAsync(new Work("first"), unique);
        Assert.Equal(new Enqueued(first.Id, false), await app.Client.EnqueueAsync(new Work("second"), unique));
        await running.Task.WaitAsync(PostgresServer.Patience);
        Assert.Equal(new Enqueued(first.Id, false), await app.Client.EnqueueAsync(new Work("third"), unique));
        Assert.True((await app.Client.EnqueueAsync(new OtherWork("of another kind"), unique)).IsNew);
        hold.SetResult();
        await Wait.ForAsync("both to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_unique") is 0L);
        Assert.True((await app.Client.EnqueueAsync(new Work("fourth"), unique)).IsNew);
    }

    [Fact]
    public async Task A_job_that_is_unique_while_it_waits_may_be_enqueued_again_as_soon_as_it_runs()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = new SemaphoreSlim(0);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (_, _, _) =>
        {
            running.Release();
            return hold.Task;
        });
        var unique = new EnqueueOptions { Unique = new JobUnique("a", UniqueWhile.Waiting) };
        await app.Client.EnqueueAsync(new Work("first"), unique);
        Assert.True(await running.WaitAsync(PostgresServer.Patience));
        Assert.True((await app.Client.EnqueueAsync(new Work("second"), unique)).IsNew);
        Assert.True(await running.WaitAsync(PostgresServer.Patience));
        hold.SetResult();
    }

    [Fact]
    public async Task A_worker_starts_a_job_that_is_unique_while_it_waits_only_after_a_transaction_that_counted_on_it()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Work = []);
        var unique = new EnqueueOptions { Unique = new JobUnique("a", UniqueWhile.Waiting) };
        await app.Client.EnqueueAsync(new Work("first"), unique);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        Assert.False((await app.Client.EnqueueAsync(connection, new Work("second"), unique)).IsNew);
        await using var worker = await JobApp.StartAsync(database.ConnectionString);
        await worker.Client.EnqueueAsync(new OtherWork("other"));
        await Wait.ForAsync("others to run meanwhile", () => worker.Done.Contains("other"));
        await Wait.ForAsync("it to have been claimed and put off", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE run > 1 AND failures = 0") is 1L);
        Assert.Equal(["other"], worker.Done);
        await transaction.CommitAsync();
        await Wait.ForAsync("it to run", () => worker.Done.Contains("first"));
    }

    [Fact]
    public async Task A_job_that_is_unique_for_a_time_is_so_also_after_it_has_run()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        var unique = new EnqueueOptions { Unique = new JobUnique("a", UniqueWhile.Time, TimeSpan.FromMilliseconds(400)) };
        var first = await app.Client.EnqueueAsync(new Work("first"), unique);
        await Wait.ForAsync("it to have run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 1L);
        var again = await app.Client.EnqueueAsync(new Work("again"), unique);
        Assert.True(!again.IsNew || await database.ExecuteAsync($"SELECT enqueued_at < clock_timestamp() - interval '400 ms' FROM tenfold.jobs_ended WHERE id = {first.Id}") is true);
        await Wait.ForAsync("the time to be over", async () => (await app.Client.EnqueueAsync(new Work("later"), unique)).IsNew);
    }

    [Fact]
    public async Task Of_many_transactions_that_enqueue_a_unique_job_at_the_same_time_one_does()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Work = []);
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Client.EnqueueAsync(new Work("one"), new EnqueueOptions { Unique = new JobUnique("a") })));
        Assert.Single(all, enqueued => enqueued.IsNew);
        Assert.Single(all.Select(enqueued => enqueued.Id).Distinct());
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs"));
    }
}
