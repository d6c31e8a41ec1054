using Npgsql;
using Tenfold.Jobs.Administration;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Administration;

public sealed class RetryTests(JobServer server)
{
    [Fact]
    public async Task A_dead_letter_is_ready_again_with_all_its_attempts_and_its_errors_kept()
    {
        await using var database = await server.DatabaseAsync();
        var id = await database.EndedAsync(columns: "deadline", values: "now() - interval '1 h'");
        var admin = Rows.Admin(database);

        await admin.RetryAsync(id, default);

        var job = (await admin.FindAsync(id, default))!;
        Assert.Equal((JobState.Ready, 0, 0, 3), (job.State, job.Failures, job.Deaths, job.Runs));
        Assert.Null(job.Deadline);
        Assert.Equal(1, job.Errors!.Value.GetArrayLength());
        Assert.Equal(true, await database.ExecuteAsync($"SELECT place > id AND lane = 11 FROM tenfold.jobs WHERE id = {id}"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"));
    }

    [Fact]
    public async Task A_scheduled_job_is_ready_at_once()
    {
        await using var database = await server.DatabaseAsync();
        var id = await database.WaitingAsync(ready: false, columns: "run_at", values: "now() + interval '1 h'");

        await Rows.Admin(database).RetryAsync(id, default);

        Assert.Equal(true, await database.ExecuteAsync($"SELECT place > id AND run_at IS NULL FROM tenfold.jobs WHERE id = {id}"));
    }

    [Fact]
    public async Task Workers_are_told_of_a_job_that_is_ready_again()
    {
        await using var database = await server.DatabaseAsync();
        var id = await database.EndedAsync("mail");
        await using var listening = await database.Source.OpenConnectionAsync();
        var told = new List<string>();
        listening.Notification += (_, notice) => told.Add(notice.Payload);
        await new NpgsqlCommand("LISTEN tenfold_jobs", listening).ExecuteNonQueryAsync();

        await Rows.Admin(database).RetryAsync(id, default);

        using var limit = new CancellationTokenSource(PostgresServer.Patience);
        while (told.Count == 0)
        {
            await listening.WaitAsync(limit.Token);
        }

        Assert.Equal(["mail"], told);
    }

    [Fact]
    public async Task What_cannot_run_again_is_refused_with_the_reason()
    {
        await using var database = await server.DatabaseAsync();
        var completed = await database.EndedAsync(outcome: 1);
        var running = await database.RunningAsync();
        var ready = await database.WaitingAsync();
        var dead = await database.EndedAsync();
        var child = await database.EndedAsync(columns: "after", values: $"'{{{dead}}}'");

        await RefusedAsync(completed, "has completed");
        await RefusedAsync(running, "runs already");
        await RefusedAsync(ready, "is ready already");
        await RefusedAsync(child, $"it comes after job {dead}, which has not completed; retry that one first");
        await RefusedAsync(999_000, "there is no job 999000");

        async Task RefusedAsync(long id, string reason) =>
            Assert.Contains(reason, (await Assert.ThrowsAsync<JobException>(() => Rows.Admin(database).RetryAsync(id, default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unique_job_is_marked_again_unless_there_is_another_one()
    {
        await using var database = await server.DatabaseAsync();
        var first = await database.EndedAsync(columns: "unique_key", values: "'x'");
        var second = await database.EndedAsync(columns: "unique_key", values: "'x'");
        var admin = Rows.Admin(database);

        await admin.RetryAsync(first, default);
        var refused = await Assert.ThrowsAsync<JobException>(() => admin.RetryAsync(second, default));

        Assert.Contains($"job {first} of the same kind is as unique ('x')", refused.Message, StringComparison.Ordinal);
        Assert.Equal(first, await database.ExecuteAsync("SELECT job FROM tenfold.job_unique"));
        Assert.Equal(JobState.Failed, (await admin.FindAsync(second, default))!.State);
    }

    [Fact]
    public async Task A_job_of_a_batch_that_goes_on_counts_again_when_it_ends()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_batches (id, total, completed, failed) VALUES (77000, 3, 1, 1), (88000, 2, 1, 1)");
        var going = await database.EndedAsync(columns: "batch", values: "77000");
        var over = await database.EndedAsync(columns: "batch", values: "88000");
        var admin = Rows.Admin(database);

        await admin.RetryAsync(going, default);
        await admin.RetryAsync(over, default);

        Assert.Equal(0L, await database.ExecuteAsync("SELECT failed FROM tenfold.job_batches WHERE id = 77000"));
        Assert.Equal(1L, await database.ExecuteAsync("SELECT failed FROM tenfold.job_batches WHERE id = 88000"));
        Assert.Equal((77000L, null), ((await admin.FindAsync(going, default))!.Batch, (await admin.FindAsync(over, default))!.Batch));
    }

    [Fact]
    public async Task A_last_job_that_was_cancelled_before_its_batch_had_ended_waits_for_it_again()
    {
        await using var database = await server.DatabaseAsync();
        var final = await database.WaitingAsync(ready: false, columns: "waits, followed", values: "1, true");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_batches (id, total, completed) VALUES ({final}, 2, 1)");
        var member = await database.WaitingAsync(columns: "batch", values: $"{final}");
        var admin = Rows.Admin(database);
        await admin.CancelAsync(final, default);

        await admin.RetryAsync(final, default);

        Assert.Equal(JobState.Blocked, (await admin.FindAsync(final, default))!.State);
        await admin.CancelAsync(member, default);
        Assert.Equal(JobState.Ready, (await admin.FindAsync(final, default))!.State);
        Assert.Equal(true, await database.ExecuteAsync($"SELECT followed FROM tenfold.jobs WHERE id = {final}"));
    }

    [Fact]
    public async Task A_last_job_that_failed_finds_its_batch_when_it_is_retried()
    {
        await using var database = await server.DatabaseAsync();
        JobBatch? seen = null;
        var runs = 0;
        JobApp? app = null;
        app = await JobApp.StartAsync(database.ConnectionString, async (name, context, cancel) =>
        {
            if (name == "final")
            {
                seen = await app!.Client.FindBatchAsync(context.Id, cancel);
                _ = Interlocked.Increment(ref runs) == 1 ? throw new JobFailedException("not yet") : 0;
            }
        });
        await using var own = app;
        long batch;
        await using (var connection = await database.Source.OpenConnectionAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            batch = await app.Client.EnqueueBatchAsync(transaction, [new Work("a"), new Work("b")], new OtherWork("final"));
            await transaction.CommitAsync();
        }

        var admin = Rows.Admin(database);
        await Wait.ForAsync("the last one to fail", async () => (await admin.FindAsync(batch, default))!.State == JobState.Failed);
        await admin.RetryAsync(batch, default);

        await Wait.ForAsync("it to complete", async () => (await admin.FindAsync(batch, default))!.State == JobState.Completed);
        Assert.Equal(new JobBatch(batch, 2, 2, 0, 0), seen);
        await Wait.ForAsync("the batch to be gone", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_batches") is 0L);
    }

    [Fact]
    public async Task Dead_letters_of_a_queue_are_redriven_in_the_order_in_which_they_failed()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome)
            SELECT 1000000 - n * 1000, 'mail', 11, CASE WHEN n % 3 = 0 THEN 'other' ELSE 'k' END, '{}', now(), 1, 1, 0, 2 FROM generate_series(1, 900) AS n
            """);
        await database.EndedAsync("orders");
        await database.EndedAsync("mail", outcome: 3);
        var admin = Rows.Admin(database);

        Assert.Equal(300, (await admin.RedriveAsync("mail", "other", default)).Redriven);
        Assert.Equal(600, (await admin.RedriveAsync("mail", null, default)).Redriven);
        Assert.Equal(0, (await admin.RedriveAsync("mail", null, default)).Redriven);

        Assert.Equal(2L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"));
        Assert.Equal(true, await database.ExecuteAsync("""
            SELECT bool_and(id < before) FROM (SELECT id, lag(id) OVER (PARTITION BY kind ORDER BY place) AS before FROM tenfold.jobs) AS ordered WHERE before IS NOT NULL
            """));
    }

    [Fact]
    public async Task A_chain_is_redriven_as_a_chain()
    {
        await using var database = await server.DatabaseAsync();
        var parent = await database.EndedAsync();
        var child = await database.EndedAsync(columns: "after", values: $"'{{{parent}}}'");
        var orphan = await database.EndedAsync("other");
        var left = await database.EndedAsync(columns: "after", values: $"'{{{orphan}}}'");
        var admin = Rows.Admin(database);

        var report = await admin.RedriveAsync("q", null, default);

        Assert.Equal((2, 1), (report.Redriven, report.Left));
        Assert.Equal(left, Assert.Single(report.Reasons).Id);
        Assert.Equal([parent], (await admin.FindAsync(child, default))!.WaitsFor);
        Assert.Equal(1L, await database.ExecuteAsync($"SELECT count(*) FROM tenfold.jobs WHERE id = {parent} AND followed AND place IS NOT NULL"));
    }

    [Fact]
    public async Task A_dead_letter_that_is_redriven_is_run_again_with_its_queue()
    {
        await using var database = await server.DatabaseAsync();
        var isMended = false;
        await using var app = await JobApp.StartAsync(database.ConnectionString, (_, _, _) => Volatile.Read(ref isMended) ? Task.CompletedTask : throw new JobFailedException("broken"));
        var admin = Rows.Admin(database);
        await admin.PauseAsync("work", default); // one that has failed already is not waited for
        var first = (await app.Client.EnqueueAsync(new Work("first"))).Id;
        var second = (await app.Client.EnqueueAsync(new Work("second"), new EnqueueOptions { After = [first] })).Id;
        await admin.ResumeAsync("work", default);
        await Wait.ForAsync("both have failed", async () => (await admin.FindAsync(second, default))!.State == JobState.Failed);

        await admin.PauseAsync("work", default);
        Volatile.Write(ref isMended, true);
        Assert.Equal(2, (await admin.RedriveAsync("work", null, default)).Redriven);
        Assert.Equal(JobState.Blocked, (await admin.FindAsync(second, default))!.State);
        await admin.ResumeAsync("work", default);

        await Wait.ForAsync("both have completed", async () => (await admin.FindAsync(second, default))!.State == JobState.Completed);
        Assert.Equal(["first", "second"], app.Done);
    }

    [Fact]
    public async Task A_paused_queue_is_resumed()
    {
        await using var database = await server.DatabaseAsync();
        var admin = Rows.Admin(database);

        await admin.PauseAsync("mail", default);
        var since = Assert.Single(await admin.QueuesAsync(default)).PausedAt;
        await admin.PauseAsync("mail", default);
        Assert.Equal(since, Assert.Single(await admin.QueuesAsync(default)).PausedAt);
        await admin.ResumeAsync("mail", default);

        Assert.Null(Assert.Single(await admin.QueuesAsync(default)).PausedAt);
    }
}
