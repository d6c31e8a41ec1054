using System.Collections.Concurrent;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Claiming;

public sealed class LimitsTests(JobServer server)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_rate_allows_its_burst_and_then_one_an_interval()
    {
        var rate = new JobRate(10, Second);
        Assert.Equal((10, TimeSpan.FromMilliseconds(100)), KeyRules.Allow(rate, TimeSpan.Zero, 50));
        Assert.Equal((3, TimeSpan.Zero), KeyRules.Allow(rate, TimeSpan.Zero, 3));
        Assert.Equal((0, TimeSpan.FromMilliseconds(100)), KeyRules.Allow(rate, Second, 1));
        Assert.Equal((1, TimeSpan.Zero), KeyRules.Allow(rate, TimeSpan.FromMilliseconds(900), 1));
        Assert.Equal((7, TimeSpan.Zero), KeyRules.Allow(null, Second, 7));
    }

    [Fact]
    public void Jobs_over_the_limits_of_their_key_wait_and_others_do_not()
    {
        var queue = new JobQueueOptions { KeyConcurrency = 2, KeyRate = new JobRate(1, Second) };
        var use = new Dictionary<string, KeyUse> { ["full"] = new(2, TimeSpan.Zero, TimeSpan.Zero), ["fresh"] = default };
        var decisions = KeyRules.Decide(queue, ["full", "fresh", "fresh", "fresh", null, "new"], use);
        Assert.Equal([KeyDecision.Park, KeyDecision.Take, new(false, Second), new(false, 2 * Second), KeyDecision.Take, KeyDecision.Take], decisions);
        Assert.Equal(new KeyUse(1, Second, 2 * Second), use["fresh"]);
    }

    [Fact]
    public async Task Jobs_of_one_key_do_not_run_at_the_same_time_and_those_of_others_do_in_all_workers_together()
    {
        await using var database = await server.DatabaseAsync();
        var running = new ConcurrentDictionary<string, int>();
        var most = new ConcurrentDictionary<string, int>();
        var all = 0;
        var together = 0;
        Task Work(string name, JobContext context, CancellationToken cancel) => RunAsync(name.Split(' ')[0]);
        async Task RunAsync(string key)
        {
            var now = running.AddOrUpdate(key, 1, (_, count) => count + 1);
            most.AddOrUpdate(key, now, (_, before) => Math.Max(before, now));
            together = Math.Max(together, Interlocked.Increment(ref all));
            await Task.Delay(5);
            Interlocked.Decrement(ref all);
            running.AddOrUpdate(key, 0, (_, count) => count - 1);
        }

        void Configure(JobOptions options) => options.Queues["work"] = new JobQueueOptions { Concurrency = 10, KeyConcurrency = 1 };
        await using var one = await JobApp.StartAsync(database.ConnectionString, Work, Configure);
        await using var other = await JobApp.StartAsync(database.ConnectionString, Work, Configure);
        for (var i = 0; i < 60; i++)
        {
            await one.Client.EnqueueAsync(new Work($"{i % 4} {i}"), new EnqueueOptions { Key = $"{i % 4}" });
        }

        await Wait.ForAsync("all to be done", () => one.Done.Count + other.Done.Count >= 60);
        await Wait.ForAsync("all to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 60L);
        Assert.Equal([1, 1, 1, 1], most.Values);
        Assert.InRange(together, 2, 4);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT coalesce(sum(running), 0) FROM tenfold.job_keys"));
    }

    [Fact]
    public async Task A_queue_starts_no_more_jobs_than_its_rate_allows()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { Rate = new JobRate(5, TimeSpan.FromMilliseconds(500)) });
        await using (var connection = await app.Store.OpenWriterAsync(null, default))
        {
            await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(0, 12).Select(i => new Work($"{i}"))]);
        }

        await Wait.ForAsync("all to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 12L);
        // 5 at once, and 7 more one every 100 ms.
        Assert.True(await database.ExecuteAsync("SELECT max(started_at) - min(started_at) >= interval '650 ms' FROM tenfold.jobs_ended") is true);
        Assert.Equal(0, await database.ExecuteAsync("SELECT max(failures)::integer FROM tenfold.jobs_ended"));
    }

    [Fact]
    public async Task Jobs_over_the_rate_of_their_key_are_put_off_one_after_another()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { KeyRate = new JobRate(1, TimeSpan.FromMilliseconds(150)) });
        for (var i = 0; i < 4; i++)
        {
            await app.Client.EnqueueAsync(new Work($"{i}"), new EnqueueOptions { Key = "slow" });
        }

        await app.Client.EnqueueAsync(new Work("other"), new EnqueueOptions { Key = "quick" });
        await Wait.ForAsync("all to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 5L);
        Assert.True(await database.ExecuteAsync("SELECT max(started_at) - min(started_at) >= interval '430 ms' FROM tenfold.jobs_ended WHERE key = 'slow'") is true);
    }

    [Fact]
    public async Task Jobs_that_wait_for_a_key_run_when_the_limit_is_taken_away()
    {
        await using var database = await server.DatabaseAsync();
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (var limited = await JobApp.StartAsync(database.ConnectionString, (_, _, _) => hold.Task, options => options.Queues["work"] = new JobQueueOptions { KeyConcurrency = 1 }))
        {
            await limited.Client.EnqueueAsync(new Work("first"), new EnqueueOptions { Key = "a" });
            await limited.Client.EnqueueAsync(new Work("second"), new EnqueueOptions { Key = "a" });
            await limited.Client.EnqueueAsync(new Work("third"), new EnqueueOptions { Key = "a" });
            await Wait.ForAsync("two to wait for the key", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE place IS NULL AND run_at IS NULL") is 2L);
            var stopping = limited.StopAsync();
            hold.SetResult();
            await stopping;
        }

        await using var free = await JobApp.StartAsync(database.ConnectionString);
        await Wait.ForAsync("all to be ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 3L);
    }
}
