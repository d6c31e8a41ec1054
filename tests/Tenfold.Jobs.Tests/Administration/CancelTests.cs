using Tenfold.Jobs.Administration;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Administration;

public sealed class CancelTests(JobServer server)
{
    [Fact]
    public async Task A_waiting_job_ends_at_once_and_another_one_as_unique_may_come()
    {
        await using var database = await server.DatabaseAsync();
        var id = await database.WaitingAsync(columns: "unique_key", values: "'x'");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_unique (kind, value, job, until) VALUES ('k', 'x', {id}, 2)");
        var admin = Rows.Admin(database);

        Assert.Equal(CancelResult.Cancelled, await admin.CancelAsync(id, default));

        Assert.Equal(JobState.Cancelled, (await admin.FindAsync(id, default))!.State);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_unique"));
        var refused = await Assert.ThrowsAsync<JobException>(() => admin.CancelAsync(id, default));
        Assert.Equal($"job {id} has been cancelled already", refused.Message);
    }

    [Fact]
    public async Task A_running_job_is_asked_to_end()
    {
        await using var database = await server.DatabaseAsync();
        var id = await database.RunningAsync();
        var admin = Rows.Admin(database);

        Assert.Equal(CancelResult.Requested, await admin.CancelAsync(id, default));

        Assert.True((await admin.FindAsync(id, default))!.IsCancelRequested);
    }

    [Fact]
    public async Task What_waits_for_it_fails_and_its_batch_goes_on_without_it()
    {
        await using var database = await server.DatabaseAsync();
        var last = await database.WaitingAsync(ready: false, columns: "waits, followed", values: "1, true");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_batches (id, total, completed) VALUES ({last}, 2, 1)");
        var id = await database.WaitingAsync(columns: "followed, batch", values: $"true, {last}");
        var child = await database.WaitingAsync(ready: false, columns: "waits, after", values: $"1, '{{{id}}}'");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_edges VALUES ({id}, {child})");
        var admin = Rows.Admin(database);

        await admin.CancelAsync(id, default);

        var failed = (await admin.FindAsync(child, default))!;
        Assert.Equal(JobState.Failed, failed.State);
        Assert.Contains($"job {id}, which this one waited for, did not complete", failed.Errors!.Value.ToString(), StringComparison.Ordinal);
        Assert.Equal(1L, await database.ExecuteAsync($"SELECT cancelled FROM tenfold.job_batches WHERE id = {last}"));
        Assert.Equal(JobState.Ready, (await admin.FindAsync(last, default))!.State);
    }

    [Fact]
    public async Task A_blocked_job_that_is_cancelled_leaves_nothing_behind()
    {
        await using var database = await server.DatabaseAsync();
        var parent = await database.WaitingAsync(columns: "followed", values: "true");
        var child = await database.WaitingAsync(ready: false, columns: "waits, after", values: $"1, '{{{parent}}}'");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_edges VALUES ({parent}, {child})");

        await Rows.Admin(database).CancelAsync(child, default);

        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_edges"));
    }

    [Fact]
    public async Task A_job_that_was_asked_to_end_and_fails_is_cancelled_and_not_tried_again()
    {
        await using var database = await server.DatabaseAsync();
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await JobApp.StartAsync(database.ConnectionString, async (_, _, _) =>
        {
            begun.TrySetResult();
            await go.Task;
            throw new InvalidOperationException("too late");
        });
        var job = (await app.Client.EnqueueAsync(new Work("a"))).Id;
        await begun.Task.WaitAsync(PostgresServer.Patience);
        var admin = Rows.Admin(database);

        Assert.Equal(CancelResult.Requested, await admin.CancelAsync(job, default));
        go.SetResult();

        await Wait.ForAsync("it is cancelled", async () => (await admin.FindAsync(job, default))!.State == JobState.Cancelled);
    }

    [Fact]
    public async Task A_job_that_was_asked_to_end_and_whose_worker_died_is_cancelled()
    {
        await using var database = await server.DatabaseAsync();
        var job = await database.RunningAsync(worker: 999);
        var admin = Rows.Admin(database);
        await admin.CancelAsync(job, default);

        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.PresumedDead = TimeSpan.FromSeconds(1));

        await Wait.ForAsync("it is cancelled", async () => (await admin.FindAsync(job, default))!.State == JobState.Cancelled);
    }

    [Fact]
    public async Task A_job_that_there_is_not_is_told() =>
        await Assert.ThrowsAsync<JobException>(async () =>
        {
            await using var database = await server.DatabaseAsync();
            await Rows.Admin(database).CancelAsync(999_000, default);
        });
}
