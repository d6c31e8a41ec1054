using Npgsql;
using Tenfold.Jobs.Schedules;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Schedules;

public sealed class SchedulerTests(JobServer server)
{
    [Fact]
    public async Task Two_schedulers_enqueue_each_run_once_and_what_was_missed_is_one_run()
    {
        await using var database = await server.DatabaseAsync();
        await using var first = await AppAsync(database, "0 2 1 1 *");
        await using var second = await AppAsync(database, "0 2 1 1 *");
        await Wait.ForAsync("both have declared it", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_schedules") is 1L);

        for (var run = 1; run <= 5; run++)
        {
            // Everything was down for two hours.
            await database.ExecuteAsync("UPDATE tenfold.job_schedules SET next_at = date_trunc('minute', now() - interval '2 h')");
            await Task.WhenAll(DueAsync(first), DueAsync(second), DueAsync(first), DueAsync(second));
            await Wait.ForAsync("one of them, or of the apps by themselves, has enqueued it", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE kind = 'work'") is long jobs && jobs >= run);
        }

        Assert.Equal(5L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE kind = 'work'"));

        Assert.Equal(true, await database.ExecuteAsync("SELECT next_at > now() AND last_at < now() - interval '1 h' AND last_job > 0 FROM tenfold.job_schedules"));
    }

    [Fact]
    public async Task A_scheduler_enqueues_by_itself_when_the_time_has_come()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_schedules (name, cron, zone, next_at) VALUES ('nightly', '0 2 1 1 *', 'UTC', now() - interval '1 s')");
        await using var app = await AppAsync(database, "0 2 1 1 *");

        await Wait.ForAsync("the missed run is made up for", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE kind = 'work'") is 1L);

        Assert.Equal(true, await database.ExecuteAsync("SELECT next_at > now() AND extract(month FROM next_at) = 1 FROM tenfold.job_schedules"));
    }

    [Fact]
    public async Task A_changed_expression_is_taken_over_and_an_unchanged_one_keeps_when_it_is_due()
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        await ScheduleTable.DeclareAsync(connection, Declared("0 2 * * *"), default);
        await database.ExecuteAsync("UPDATE tenfold.job_schedules SET next_at = '2020-01-01T00:00Z'");

        await ScheduleTable.DeclareAsync(connection, Declared("0 2 * * *"), default);
        Assert.Equal(true, await database.ExecuteAsync("SELECT next_at < '2021-01-01' FROM tenfold.job_schedules"));
        await ScheduleTable.DeclareAsync(connection, Declared("0 3 * * *"), default);

        Assert.Equal(true, await database.ExecuteAsync("SELECT next_at > now() AND cron = '0 3 * * *' FROM tenfold.job_schedules"));
    }

    [Fact]
    public async Task A_schedule_that_nobody_declares_does_not_run_and_is_forgotten_after_a_day()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.job_schedules (name, cron, zone, next_at, seen_at) VALUES
                ('other', '* * * * *', 'UTC', now() - interval '1 h', now() - interval '23 h'), ('old', '* * * * *', 'UTC', now() - interval '1 h', now() - interval '25 h')
            """);
        await using var app = await AppAsync(database, "0 2 1 1 *");

        await Wait.ForAsync("the old one is forgotten", async () => await database.ExecuteAsync("SELECT string_agg(name, ',' ORDER BY name) FROM tenfold.job_schedules") is "nightly,other");

        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs"));
    }

    [Fact]
    public async Task A_run_whose_enqueue_is_rolled_back_comes_again()
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        await ScheduleTable.DeclareAsync(connection, Declared("0 2 * * *"), default);
        await database.ExecuteAsync("UPDATE tenfold.job_schedules SET next_at = now() - interval '1 h'");
        var failing = Declared("0 2 * * *", (_, _, _) => throw new NpgsqlException("lost")).ToDictionary(schedule => schedule.Name);

        await Assert.ThrowsAsync<NpgsqlException>(() => ScheduleTable.RunOneAsync(connection, failing, null!, default));

        Assert.Equal(TimeSpan.Zero, await ScheduleTable.DueInAsync(connection, failing.Values, default));
    }

    [Fact]
    public async Task Schedules_that_cannot_be_enqueued_do_not_stop_those_after_them()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.job_schedules (name, cron, zone, next_at) VALUES ('bad', '0 2 1 1 *', 'UTC', now() - interval '3 h'), ('elsewhere', '0 2 1 1 *', 'UTC', now() - interval '2 h'), ('good', '0 2 1 1 *', 'UTC', now() - interval '1 h')
            """);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Work = []);
        var declared = new JobOptions().Cron("bad", "0 2 1 1 *", "UTC", new Work("never"), new EnqueueOptions { Priority = 10 }).Cron("elsewhere", "0 2 1 1 *", "UTC", new Work("never")).Cron("good", "0 2 1 1 *", "UTC", new Work("report"));
        await database.ExecuteAsync("UPDATE tenfold.job_schedules SET zone = 'Mars/Base' WHERE name = 'elsewhere'"); // which another machine knows
        var left = declared.Schedules.ToDictionary(schedule => schedule.Name);

        var turns = new List<string>();
        while (await ScheduleTable.RunOneAsync(connection, left, app.Client, default) is { } run)
        {
            left.Remove(run.Failure is null ? "" : run.Name);
            turns.Add($"{run.Name}: {run.Failure?.GetType().Name}");
        }

        Assert.Equal(["bad: JobException", "elsewhere: FormatException", "good: "], turns);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs"));
    }

    [Fact]
    public async Task A_scheduler_goes_on_with_the_next_one()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("INSERT INTO tenfold.job_schedules (name, cron, zone, next_at) VALUES ('bad', '0 2 1 1 *', 'UTC', now() - interval '2 h'), ('good', '0 2 1 1 *', 'UTC', now() - interval '1 h')");
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options =>
        {
            options.Work = [];
            options.Cron("bad", "0 2 1 1 *", "UTC", new Work("never"), new EnqueueOptions { Priority = 10 });
            options.Cron("good", "0 2 1 1 *", "UTC", new Work("report"));
        });

        await Wait.ForAsync("the good one", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs WHERE payload ->> 'Name' = 'report'") is 1L);
    }

    private static Task<JobApp> AppAsync(JobDatabase database, string cron) => JobApp.StartAsync(database.ConnectionString, configure: options =>
    {
        options.Work = [];
        options.Cron("nightly", cron, "UTC", new Work("report"));
    });

    private static async Task DueAsync(JobApp app)
    {
        await using var connection = await app.Store.OpenWriterAsync(null, default);
        var schedules = new JobOptions().Cron("nightly", "* * * * *", "UTC", new Work("report")).Schedules.ToDictionary(schedule => schedule.Name);
        await ScheduleTable.RunOneAsync(connection, schedules, app.Client, default);
    }

    private static JobSchedule[] Declared(string cron, Func<JobClient, NpgsqlConnection, CancellationToken, Task<Enqueued>>? enqueue = null) =>
        [new JobSchedule("nightly", cron, "UTC", enqueue ?? ((_, _, _) => Task.FromResult(new Enqueued(1, true))))];
}
