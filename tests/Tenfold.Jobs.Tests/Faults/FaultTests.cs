using Npgsql;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Faults;

public sealed class FaultTests(JobServer server)
{
    private static readonly Backoff Quick = new() { First = TimeSpan.FromMilliseconds(10) };

    [Fact]
    public async Task A_worker_that_was_presumed_dead_cannot_complete_a_job_that_another_one_has_and_is_told_to_stop()
    {
        await using var database = await server.DatabaseAsync();
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lost = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var first = await JobApp.StartAsync(
            database.ConnectionString,
            async (_, context, cancel) =>
            {
                cancel.Register(() => stopped.TrySetResult());
                began.TrySetResult();
                await finish.Task;
                await using var connection = await database.Source.OpenConnectionAsync(CancellationToken.None);
                await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
                var exception = await Record.ExceptionAsync(async () =>
                {
                    await context.CompleteAsync(transaction, CancellationToken.None);
                    await transaction.CommitAsync(CancellationToken.None);
                });
                if (cancel.IsCancellationRequested)
                {
                    lost.TrySetResult(exception); // the run that was stopped; this worker may have the next one, too
                }
            },
            options => options.PresumedDead = TimeSpan.FromMilliseconds(500));
        var job = await first.Client.EnqueueAsync(new Work("one"));
        await began.Task.WaitAsync(PostgresServer.Patience);
        await database.ExecuteAsync("DELETE FROM tenfold.job_workers"); // as a rescue does
        await using var second = await JobApp.StartAsync(database.ConnectionString, (_, _, _) => finish.Task, options => options.PresumedDead = TimeSpan.FromMilliseconds(500));
        await stopped.Task.WaitAsync(PostgresServer.Patience);
        await Wait.ForAsync("another one to have it", async () => await database.ExecuteAsync($"SELECT run >= 2 AND deaths >= 1 FROM tenfold.jobs_running WHERE id = {job.Id}") is true);
        finish.SetResult();
        Assert.IsType<JobLostException>(await lost.Task.WaitAsync(PostgresServer.Patience));
        await Wait.ForAsync("it to be completed once", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND run >= 2") is 1L);
    }

    [Fact]
    public async Task A_handler_that_takes_too_long_is_stopped_and_the_job_is_tried_again()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            (_, context, cancel) => context.Attempt == 1 ? Task.Delay(Timeout.Infinite, cancel) : Task.CompletedTask,
            options =>
            {
                options.Queues["work"] = new JobQueueOptions { Timeout = TimeSpan.FromMilliseconds(50), Backoff = Quick };
                options.PresumedDead = TimeSpan.FromMilliseconds(500);
            });
        await app.Client.EnqueueAsync(new Work("slow"));
        await Wait.ForAsync("it to be done", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 1L);
        Assert.Equal("it took longer than the 0.1 s that the queue 'work' allows", await database.ExecuteAsync("SELECT errors -> 0 ->> 'error' FROM tenfold.jobs_ended"));
    }

    [Fact]
    public async Task Handlers_that_deadlock_are_tried_again_and_all_their_effects_happen()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0)");
        var both = new Barrier(2);
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (name, context, cancel) =>
            {
                await using var connection = await database.Source.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                await AddAsync(connection, name == "a" ? 1 : 2, cancel);
                if (context.Attempt == 1)
                {
                    await Task.Run(() => both.SignalAndWait(TimeSpan.FromSeconds(10), cancel), cancel);
                }

                await AddAsync(connection, name == "a" ? 2 : 1, cancel);
                await context.CompleteAsync(transaction, cancel);
                await transaction.CommitAsync(cancel);
            },
            options => options.Queues["work"] = new JobQueueOptions { Backoff = Quick });
        await app.Client.EnqueueAsync(new Work("a"));
        await app.Client.EnqueueAsync(new Work("b"));
        await Wait.ForAsync("both to be done", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 2L);
        Assert.Equal("2 2", await database.ExecuteAsync("SELECT string_agg(n::text, ' ') FROM pair"));
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE errors -> 0 ->> 'error' LIKE '%40P01%'"));

        static async Task AddAsync(NpgsqlConnection connection, int id, CancellationToken cancel)
        {
            await using var command = new NpgsqlCommand($"UPDATE pair SET n = n + 1 WHERE id = {id}", connection);
            await command.ExecuteNonQueryAsync(cancel);
        }
    }

    [Fact]
    public async Task A_payload_that_is_no_such_job_any_more_becomes_a_dead_letter_and_does_not_stop_others()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { Attempts = 2, Backoff = Quick, Concurrency = 1 });
        await database.ExecuteAsync("INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, 'work', 11, 'work', '[1]' FROM nextval('tenfold.job_ids') AS n");
        await app.Client.EnqueueAsync(new Work("good"));
        await Wait.ForAsync("both to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 2L);
        Assert.Equal(["good"], app.Done);
        Assert.StartsWith("JsonException: ", (string?)await database.ExecuteAsync("SELECT errors -> 1 ->> 'error' FROM tenfold.jobs_ended WHERE outcome = 2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_of_a_kind_that_no_worker_can_do_is_kept_and_others_of_its_queue_run()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        var unhandled = await app.Client.EnqueueAsync(new Unhandled("waits"));
        await app.Client.EnqueueAsync(new Work("runs"));
        await Wait.ForAsync("the other one to run", () => app.Done.Contains("runs"));
        await Wait.ForAsync("it to be put off", async () => await database.ExecuteAsync($"SELECT run_at IS NOT NULL AND failures = 0 FROM tenfold.jobs WHERE id = {unhandled.Id}") is true);
    }

    [Fact]
    public async Task A_job_is_seen_although_nobody_has_told_of_it_and_although_listening_was_cut()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await Wait.ForAsync("it to listen", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE (query LIKE 'LISTEN%' OR query LIKE 'UPDATE tenfold.job_workers%') AND datname = current_database()") is 1L);
        await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE (query LIKE 'LISTEN%' OR query LIKE 'UPDATE tenfold.job_workers%') AND datname = current_database()");
        await database.ExecuteAsync("INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, 'work', 11, 'work', '{\"Name\":\"untold\"}' FROM nextval('tenfold.job_ids') AS n");
        await Wait.ForAsync("it to run", () => app.Done.Contains("untold"));
        await Wait.ForAsync("it to listen again", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE (query LIKE 'LISTEN%' OR query LIKE 'UPDATE tenfold.job_workers%') AND datname = current_database()") is 1L);
    }

    [Fact]
    public async Task Workers_go_on_when_all_their_connections_are_cut_and_no_job_is_lost_or_run_by_two()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { Keep = new JobKeep(100_000) });
        await using var other = await JobApp.StartAsync(database.ConnectionString, configure: options => options.Queues["work"] = new JobQueueOptions { Keep = new JobKeep(100_000) });
        for (var round = 0; round < 10; round++)
        {
            var first = round * 300;
            await using (var connection = await database.Source.OpenConnectionAsync())
            {
                await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(first, 300).Select(i => new Work($"{i}"))]);
            }

            await database.ExecuteAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
            NpgsqlConnection.ClearPool(database.Source.CreateConnection());
        }

        await Wait.ForAsync("all to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 3000L);
        Assert.Equal(3000L, await database.ExecuteAsync("SELECT count(DISTINCT id) FROM tenfold.jobs_ended"));
        Assert.Equal(3000, app.Done.Concat(other.Done).Distinct().Count());
    }

    [Fact]
    public async Task What_becomes_visible_late_is_found_behind_what_was_claimed_already()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await app.Client.EnqueueAsync(connection, new Work("late"));
        for (var i = 0; i < 200; i++)
        {
            await app.Client.EnqueueAsync(new Work($"{i}"));
        }

        await Wait.ForAsync("the others to be done", () => app.Done.Count == 200);
        await Task.Delay(TimeSpan.FromSeconds(3)); // floors are raised once a second, two seconds late: the open transaction must hold them
        await transaction.CommitAsync();
        await Wait.ForAsync("it to run", () => app.Done.Contains("late"));
    }

    [Fact]
    public async Task Handlers_that_use_up_all_connections_do_not_make_their_worker_look_dead()
    {
        await using var database = await server.DatabaseAsync();
        var began = 0;
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        JobApp? app = null;
        app = await JobApp.StartAsync(
            database.ConnectionString.Replace("Maximum Pool Size=30", "Maximum Pool Size=8;Timeout=1", StringComparison.Ordinal), // half of it for writers
            async (_, _, cancel) =>
            {
                await using var connection = await app!.Store.OpenWriterAsync(null, cancel);
                Interlocked.Increment(ref began);
                await finish.Task;
            },
            options => (options.PresumedDead, options.Queues["work"]) = (TimeSpan.FromSeconds(1), new JobQueueOptions { Concurrency = 2 }));
        await using var own = app;
        await using var other = await JobApp.StartAsync(database.ConnectionString, configure: options => (options.PresumedDead, options.Work) = (TimeSpan.FromSeconds(1), ["other"]));
        for (var i = 0; i < 2; i++)
        {
            await app.Client.EnqueueAsync(new Work($"{i}"));
        }

        await Wait.ForAsync("all connections to be taken", () => Volatile.Read(ref began) == 2);
        await Assert.ThrowsAnyAsync<Exception>(async () => await (await app.Store.OpenWriterAsync(null, default)).DisposeAsync());
        await Wait.ForAsync("three seconds of life", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_workers WHERE beat_at > started_at + interval '3 s'") is 2L);
        finish.SetResult();
        await Wait.ForAsync("both to be completed by their first run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND run = 1 AND deaths = 0") is 2L);
    }

    [Fact]
    public async Task A_handler_that_returns_without_committing_what_completed_its_job_has_failed()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE effects (job bigint)");
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            async (_, context, cancel) =>
            {
                await using var connection = await database.Source.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                await using var insert = new NpgsqlCommand($"INSERT INTO effects VALUES ({context.Id})", connection);
                await insert.ExecuteNonQueryAsync(cancel);
                await context.CompleteAsync(transaction, cancel);
                if (context.Attempt == 2)
                {
                    await transaction.CommitAsync(cancel);
                }
            },
            options => options.Queues["work"] = new JobQueueOptions { Backoff = Quick });
        await app.Client.EnqueueAsync(new Work("forgets"));
        await Wait.ForAsync("its second run to be committed", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 1L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM effects"));
        Assert.Contains("without committing", (string?)await database.ExecuteAsync("SELECT errors -> 0 ->> 'error' FROM tenfold.jobs_ended"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_that_holds_a_running_job_does_not_keep_others_from_ending()
    {
        await using var database = await server.DatabaseAsync();
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await JobApp.StartAsync(database.ConnectionString, (name, _, _) => name == "held" ? finish.Task : Task.CompletedTask);
        var held = await app.Client.EnqueueAsync(new Work("held"));
        await Wait.ForAsync("it to run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running") is 1L);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await app.Client.EnqueueAsync(connection, new Work("after"), new EnqueueOptions { After = [held.Id] });
        finish.SetResult();
        for (var i = 0; i < 20; i++)
        {
            await app.Client.EnqueueAsync(new Work($"{i}"));
        }

        await Wait.ForAsync("the others to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 20L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_running"));
        await transaction.CommitAsync();
        await Wait.ForAsync("all to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 22L);
    }

    [Fact]
    public async Task A_row_that_no_claim_can_read_does_not_keep_other_queues_from_working()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$; CREATE TRIGGER refuse BEFORE INSERT ON tenfold.jobs_running FOR EACH ROW WHEN (new.queue = 'other') EXECUTE FUNCTION refuse()");
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await app.Client.EnqueueAsync(new OtherWork("refused"));
        for (var i = 0; i < 20; i++)
        {
            await app.Client.EnqueueAsync(new Work($"{i}"));
        }

        await Wait.ForAsync("the others to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended") is 20L);
        await database.ExecuteAsync("DROP TRIGGER refuse ON tenfold.jobs_running");
        await Wait.ForAsync("it, too", () => app.Done.Contains("refused"));
    }

    [Fact]
    public async Task A_handler_that_throws_what_cannot_be_read_has_failed_and_its_slot_is_free()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(
            database.ConnectionString,
            (name, _, _) => name == "bad" ? throw new Unreadable() : Task.CompletedTask,
            options => options.Queues["work"] = new JobQueueOptions { Attempts = 1, Concurrency = 1 });
        await app.Client.EnqueueAsync(new Work("bad"));
        await app.Client.EnqueueAsync(new Work("good"));
        await Wait.ForAsync("the next one to run", () => app.Done.Contains("good"));
        await Wait.ForAsync("it to be a dead letter", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 2") is 1L);
    }

    private sealed class Unreadable : Exception
    {
        public override string Message => throw new InvalidOperationException("no message");
    }
}
