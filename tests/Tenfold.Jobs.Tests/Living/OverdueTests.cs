using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Living;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class OverdueTests(JobServer server)
{
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly JobQueueOptions Queue = new() { Timeout = Limit };

    [Fact]
    public void A_handler_has_its_time_and_then_a_grace_to_end_by_itself_and_is_stuck_until_it_does()
    {
        var (time, runs, held) = (new ManualTime(), new Runs(), new HeldRuns());
        using var cancel = new CancellationTokenSource();
        var run = runs.Of(Runs.Claimed(1), Queue, time.GetTimestamp());
        held.Add(run);
        Assert.True(run.TryStart(cancel, time.GetTimestamp()));
        var overdue = new Overdue(time);

        time.Advance(Limit);
        Assert.Equal((0, false), (overdue.Look(held), cancel.IsCancellationRequested));
        time.Advance(Instant);
        Assert.Equal((0, true), (overdue.Look(held), cancel.IsCancellationRequested));
        time.Advance(Overdue.Grace);
        Assert.Equal((0, 0), (overdue.Look(held), runs.Endings.Count));
        time.Advance(Instant);
        Assert.Equal((1, 1), (overdue.Look(held), runs.Endings.Count));
        Assert.True(runs.Endings.Single() is { Outcome: null, Counts: true, After.Ticks: > 0 });
        Assert.Contains("it took longer than the 300 s that the queue", runs.Endings.Single().Error, StringComparison.Ordinal);

        held.Remove(run.Id, run.Job.Run); // its end was written
        time.Advance(Limit);
        Assert.Equal((1, 1), (overdue.Look(held), runs.Endings.Count));
        run.HasReturned = true;
        Assert.False(run.TryEnd());
        Assert.Equal((0, 1), (overdue.Look(held), runs.Endings.Count));
    }

    [Fact]
    public void A_deadline_stops_a_run_before_its_time_is_over_and_counts_from_the_claim()
    {
        var (time, runs, held) = (new ManualTime(), new Runs(), new HeldRuns());
        using var cancel = new CancellationTokenSource();
        var run = runs.Of(Runs.Claimed(1, left: Limit / 2), Queue, time.GetTimestamp());
        held.Add(run);
        time.Advance(Limit / 4);
        Assert.True(run.TryStart(cancel, time.GetTimestamp()));
        var overdue = new Overdue(time);

        time.Advance(Limit / 4);
        Assert.Equal((0, false), (overdue.Look(held), cancel.IsCancellationRequested));
        time.Advance(Instant);
        Assert.Equal((0, true), (overdue.Look(held), cancel.IsCancellationRequested));
        time.Advance(Overdue.Grace + Instant);
        overdue.Look(held);
        Assert.Equal(JobOutcome.Failed, runs.Endings.Single().Outcome);
    }

    [Fact]
    public async Task A_job_whose_handler_ignores_its_token_goes_on_without_it_and_what_that_handler_does_in_the_end_changes_nothing()
    {
        await using var database = await server.DatabaseAsync();
        var time = new JumpingTime();
        var (begins, told, ends) = (Completion(), Completion(), Completion());
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (_, context, cancel) =>
            {
                if (context.Attempt == 1)
                {
                    using var registration = cancel.Register(() => told.TrySetResult());
                    begins.TrySetResult();
                    await ends.Task;
                }
            },
            options =>
            {
                options.Queues["work"] = new JobQueueOptions { Concurrency = 2, Backoff = new Backoff { First = Instant } };
                options.PresumedDead = TimeSpan.FromMilliseconds(500);
            },
            time);
        await app.Client.EnqueueAsync(new Work("deaf"));
        await begins.Task.WaitAsync(PostgresServer.Patience);

        time.Jump(new JobQueueOptions().Timeout + TimeSpan.FromSeconds(1));
        await told.Task.WaitAsync(PostgresServer.Patience);
        time.Jump(Overdue.Grace + TimeSpan.FromSeconds(1));
        await Wait.ForAsync("its second attempt to complete it", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND run = 2 AND failures = 1") is 1L);
        await Wait.ForAsync("the first to be told of as stuck", async () => await database.ExecuteAsync("SELECT stuck FROM tenfold.job_workers") is 1);
        Assert.Equal(1, app.Worker.Workers.Single().Stuck);
        ends.SetResult();

        await Wait.ForAsync("it to be stuck no more", async () => await database.ExecuteAsync("SELECT stuck FROM tenfold.job_workers") is 0);
        await app.StopAsync();
        Assert.Equal(2, app.Done.Count);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"));
        Assert.Equal(0L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs) + (SELECT count(*) FROM tenfold.jobs_running)"));
    }

    private static TaskCompletionSource Completion() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
