using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Living;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class WorkerRowTests(JobServer server)
{
    private static readonly Dictionary<string, JobQueueOptions> NoQueues = [];

    [Fact]
    public async Task A_worker_beats_although_a_transaction_holds_the_row_of_a_job_that_reports()
    {
        await using var database = await server.DatabaseAsync();
        await using var store = Store(database);
        var (held, runs) = (new HeldRuns(), new Runs());
        await using var row = await StartAsync(store, held);
        var job = await database.RunningAsync(worker: row.Id);
        var run = runs.Of(Runs.Claimed(job, row.Id));
        await using var connection = await database.Source.OpenConnectionAsync();
        await using (await connection.BeginTransactionAsync())
        {
            await new NpgsqlCommand($"SELECT FROM tenfold.jobs_running WHERE id = {job} FOR UPDATE", connection).ExecuteNonQueryAsync();
            held.Add(run);
            run.Report(1);
            var before = await database.ExecuteAsync("SELECT now()");
            await Wait.ForAsync("two seconds of life", async () => await database.ExecuteAsync($"SELECT count(*) FROM tenfold.job_workers WHERE id = {row.Id} AND beat_at > '{before:O}'::timestamptz + interval '2 s'") is 1L);
        }

        await Wait.ForAsync("progress, when it is free again", async () => await database.ExecuteAsync($"SELECT progress ->> 'done' FROM tenfold.jobs_running WHERE id = {job}") is "1");
    }

    [Fact]
    public async Task A_job_that_is_held_and_has_not_begun_is_cancelled_without_waiting_for_its_turn()
    {
        await using var database = await server.DatabaseAsync();
        await using var store = Store(database);
        var (held, runs) = (new HeldRuns(), new Runs());
        await using var row = await StartAsync(store, held);
        var (cancelled, other) = (await database.RunningAsync(worker: row.Id), await database.RunningAsync(worker: row.Id));
        held.Add(runs.Of(Runs.Claimed(cancelled, row.Id)));
        held.Add(runs.Of(Runs.Claimed(other, row.Id)));

        await Rows.Admin(database).CancelAsync(cancelled, default);

        await Wait.ForAsync("it to end", () => !runs.Endings.IsEmpty);
        Assert.Equal((cancelled, JobOutcome.Cancelled), (runs.Endings.Single().Job.Id, runs.Endings.Single().Outcome));
    }

    [Fact]
    public async Task Jobs_of_a_dead_worker_are_given_to_others_by_one_that_was_heard_all_the_while()
    {
        await using var database = await server.DatabaseAsync();
        await using var store = Store(database);
        var dead = (long)(await database.WorkerAsync("dead", "q", "k", "now() - interval '1 h'"))!;
        var job = await database.RunningAsync(worker: dead);
        await using var row = await StartAsync(store, new HeldRuns());

        await Wait.ForAsync("its job to be ready", async () => await database.ExecuteAsync($"SELECT deaths FROM tenfold.jobs WHERE id = {job} AND place IS NOT NULL") is (short)1);
        Assert.True(await database.ExecuteAsync($"SELECT clock_timestamp() >= started_at + interval '0.9 s' FROM tenfold.job_workers WHERE id = {row.Id}") is true);
    }

    [Fact]
    public async Task Who_may_not_judge_any_more_takes_nothing()
    {
        await using var database = await server.DatabaseAsync();
        var dead = (long)(await database.WorkerAsync("dead", "q", "k", "now() - interval '1 h'"))!;
        await database.RunningAsync(worker: dead);
        await using var connection = await database.Source.OpenConnectionAsync();

        Assert.Empty(await Rescue.RunAsync(connection, 0, TimeSpan.FromSeconds(1), NoQueues, () => false, default));

        Assert.Equal(2L, await database.ExecuteAsync("SELECT (SELECT count(*) FROM tenfold.jobs_running) + (SELECT count(*) FROM tenfold.job_workers)"));
        Assert.Equal(["dead"], (await Rescue.RunAsync(connection, 0, TimeSpan.FromSeconds(1), NoQueues, () => true, default)).Keys);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 2)]
    [InlineData(5, 4)]
    [InlineData(null, 2)]
    public async Task A_job_outlives_one_death_fewer_than_its_queue_allows(int? deaths, int outlived)
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        var queues = deaths is { } most ? new() { ["q"] = new() { Deaths = most } } : NoQueues;
        var job = await database.RunningAsync();
        for (var death = 1; death <= outlived; death++)
        {
            await Rescue.RunAsync(connection, 0, TimeSpan.FromSeconds(1), queues, () => true, default);
            Assert.Equal((short)death, await database.ExecuteAsync($"SELECT deaths FROM tenfold.jobs WHERE id = {job}"));
            await database.ExecuteAsync($"""
                WITH claimed AS (DELETE FROM tenfold.jobs RETURNING *)
                INSERT INTO tenfold.jobs_running (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, worker, claimed_at, started)
                SELECT id, queue, lane, kind, payload, enqueued_at, run + 1, failures, deaths, 1, now(), true FROM claimed
                """);
        }

        await Rescue.RunAsync(connection, 0, TimeSpan.FromSeconds(1), queues, () => true, default);

        Assert.Equal((short)(outlived + 1), await database.ExecuteAsync($"SELECT deaths FROM tenfold.jobs_ended WHERE id = {job} AND outcome = 2"));
    }

    private static async Task<WorkerRow> StartAsync(PostgresStore store, HeldRuns held)
    {
        var settings = new WorkerSettings("test", new JobOptions { PresumedDead = TimeSpan.FromSeconds(1) }, ["q"], ["k"]);
        var row = new WorkerRow(new Jobs.Databases.JobDatabase(0, store), settings, held, TimeProvider.System, NullLogger.Instance);
        await row.StartAsync(() => { }, _ => { }, default);
        return row;
    }

    private static PostgresStore Store(JobDatabase database) => new(new PostgresOptions { Name = "main", ConnectionString = database.ConnectionString }, TimeProvider.System, NullLoggerFactory.Instance);
}
