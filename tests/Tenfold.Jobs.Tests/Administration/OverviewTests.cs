using Tenfold.Jobs.Administration;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Administration;

public sealed class OverviewTests(JobServer server)
{
    [Fact]
    public async Task A_database_without_the_tables_has_no_jobs()
    {
        await using var database = await server.DatabaseAsync(number: null);
        var admin = Rows.Admin(database);

        Assert.False(await admin.IsInUseAsync(default));
        Assert.Empty(await admin.QueuesAsync(default));
        Assert.Empty(await admin.ListAsync(new JobFilter(), default));
        Assert.Empty(await admin.WorkersAsync(default));
        Assert.Null(await admin.FindAsync(1000, default));
        Assert.Equal(0, (await admin.RedriveAsync("q", null, default)).Redriven);
        await Assert.ThrowsAsync<JobException>(() => admin.PauseAsync("q", default));
        await Assert.ThrowsAsync<JobException>(() => admin.RetryAsync(1000, default));
    }

    [Fact]
    public async Task Jobs_are_counted_by_queue_and_state()
    {
        await using var database = await server.DatabaseAsync();
        await database.WaitingAsync("mail", columns: "enqueued_at", values: "now() - interval '90 s'");
        await database.WaitingAsync("mail", kind: "other");
        await database.WaitingAsync("mail", ready: false, columns: "run_at", values: "now() + interval '1 h'");
        await database.WaitingAsync("mail", ready: false, columns: "key", values: "'a'");
        var blocked = await database.WaitingAsync("orders", ready: false, columns: "waits", values: "1");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_edges VALUES (1, {blocked})");
        await database.RunningAsync("orders");
        await database.EndedAsync("orders", outcome: 1, columns: "ended_at", values: "now() + interval '10 min'");
        await database.EndedAsync("orders", outcome: 2, columns: "ended_at", values: "now() - interval '10 min'");
        await database.EndedAsync("orders", outcome: 3);
        await database.WorkerAsync("one", "mail,orders", "k");
        await database.WorkerAsync("dead", "mail", "other", "now() - interval '1 h'");
        var admin = Rows.Admin(database);
        await admin.PauseAsync("images", default);

        var queues = await admin.QueuesAsync(default);

        Assert.Equal(["images", "mail", "orders"], queues.Select(queue => queue.Name));
        Assert.NotNull(queues[0].PausedAt);
        var mail = queues[1];
        Assert.InRange(mail.OldestReadySeconds!.Value, 89, 200);
        Assert.Equal((2, 1, 0, 1, 0), (mail.Ready, mail.Scheduled, mail.Blocked, mail.Parked, mail.Running));
        Assert.Equal(1, mail.Workers);
        Assert.Equal(["other"], mail.UnhandledKinds);
        var orders = queues[2];
        Assert.Equal((0, 1, 1, 1), (orders.Ready, orders.Blocked, orders.Running, orders.DeadLetters));
        Assert.Equal((1, 1, 0, 1), (orders.CompletedLastMinute, orders.CompletedLastHour, orders.FailedLastMinute, orders.FailedLastHour));
        Assert.False(orders.IsEstimate);
    }

    [Fact]
    public async Task Above_ten_thousand_jobs_are_estimated()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload, run_at)
            SELECT n, CASE WHEN n % 4 <> 0 THEN n END, CASE WHEN n % 4 = 0 THEN 'later' ELSE 'now' END, 11, 'k', '{}', CASE WHEN n % 4 = 0 THEN now() + interval '1 h' END
            FROM generate_series(1, 60000) AS n; SELECT setval('tenfold.job_ids', 100000)
            """);
        await database.WaitingAsync("small");

        var queues = await Rows.Admin(database).QueuesAsync(default);

        Assert.Equal(["later", "now", "small"], queues.Select(queue => queue.Name));
        Assert.Equal((15_000, true), (queues[0].Scheduled, queues[0].IsEstimate));
        Assert.Equal((45_000, true), (queues[1].Ready, queues[1].IsEstimate));
        Assert.Equal((1, false), (queues[2].Ready, queues[2].IsEstimate));
    }

    [Fact]
    public async Task Databases_of_a_store_are_added_up()
    {
        await using var first = await server.DatabaseAsync(0);
        await using var second = await server.DatabaseAsync(1);
        await first.WaitingAsync("mail");
        var there = await second.WaitingAsync("mail");
        var admin = Rows.Admin(first, second);

        Assert.Equal(2, Assert.Single(await admin.QueuesAsync(default)).Ready);
        Assert.Equal(2, (await admin.ListAsync(new JobFilter(), default)).Count);
        Assert.Equal(1, there % 1000);
        Assert.Equal(there, (await admin.FindAsync(there, default))!.Id);
    }

    [Fact]
    public async Task Jobs_are_listed_by_queue_kind_and_state_in_either_order()
    {
        await using var database = await server.DatabaseAsync();
        var a = await database.WaitingAsync("mail");
        var b = await database.RunningAsync("mail", "other");
        var c = await database.EndedAsync("mail");
        var d = await database.WaitingAsync("orders", ready: false, columns: "run_at", values: "now() + interval '1 h'");
        var admin = Rows.Admin(database);

        Assert.Equal([d, c, b, a], await IdsAsync(new JobFilter()));
        Assert.Equal([a, b], await IdsAsync(new JobFilter { OldestFirst = true, Limit = 2 }));
        Assert.Equal([c, b, a], await IdsAsync(new JobFilter { Queue = "mail" }));
        Assert.Equal([b], await IdsAsync(new JobFilter { Kind = "other" }));
        Assert.Equal([a], await IdsAsync(new JobFilter { State = JobState.Ready }));
        Assert.Equal([b], await IdsAsync(new JobFilter { State = JobState.Running }));
        Assert.Equal([c], await IdsAsync(new JobFilter { State = JobState.Failed }));
        Assert.Equal([d], await IdsAsync(new JobFilter { State = JobState.Scheduled }));
        Assert.Empty(await IdsAsync(new JobFilter { State = JobState.Cancelled }));
        var listed = await admin.ListAsync(new JobFilter { Queue = "mail" }, default);
        Assert.Equal(("it broke", "500 of 1,000: half"), (listed[0].LastError, listed[1].Progress));

        async Task<IEnumerable<long>> IdsAsync(JobFilter filter) => (await admin.ListAsync(filter, default)).Select(job => job.Id);
    }

    [Fact]
    public async Task A_job_is_shown_with_all_that_is_known_of_it()
    {
        await using var database = await server.DatabaseAsync();
        var worker = (long)(await database.WorkerAsync("api-1", "q", "k"))!;
        var running = await database.RunningAsync(worker: worker);
        var child = await database.WaitingAsync(ready: false, columns: "waits, after", values: $"1, '{{{running}}}'");
        await database.ExecuteAsync($"INSERT INTO tenfold.job_edges VALUES ({running}, {child})");
        var admin = Rows.Admin(database);

        var (one, other) = (await admin.FindAsync(running, default), await admin.FindAsync(child, default));

        Assert.Equal((JobState.Running, "api-1", 5, 1), (one!.State, one.Worker, one.Priority, one.Runs));
        Assert.Equal([child], one.Followers);
        Assert.Equal(1, one.Payload.GetProperty("a").GetInt32());
        Assert.Equal(500, one.Progress!.Value.GetProperty("done").GetInt32());
        Assert.Equal(JobState.Blocked, other!.State);
        Assert.Equal([running], other.WaitsFor);
        Assert.Equal([running], other.After);
    }

    [Fact]
    public async Task Workers_tell_whether_they_live_and_what_they_hold()
    {
        await using var database = await server.DatabaseAsync();
        var worker = (long)(await database.WorkerAsync("api-1", "q", "k"))!;
        await database.WorkerAsync("api-2", "q", "k", "now() - interval '1 min'");
        await database.RunningAsync(worker: worker);

        var workers = await Rows.Admin(database).WorkersAsync(default);

        Assert.Equal([("api-1", true, 1L), ("api-2", false, 0L)], workers.Select(one => (one.Name, one.IsAlive, one.Held)));
    }
}
