using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Jobs.Living;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class KeeperTests(JobServer server)
{
    [Fact]
    public async Task A_worker_lives_and_rescues_while_its_housekeeping_is_held_up()
    {
        await using var database = await server.DatabaseAsync();
        await using var store = new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = database.ConnectionString }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await new NpgsqlCommand("LOCK TABLE tenfold.job_inbox", connection).ExecuteNonQueryAsync();
        var settings = new WorkerSettings("test", new JobOptions { PresumedDead = TimeSpan.FromSeconds(1) }, ["q"], ["k"]);
        await using var row = new WorkerRow(new Jobs.Databases.JobDatabase(0, store), settings, new HeldRuns(), TimeProvider.System, NullLogger.Instance);
        await row.StartAsync(() => { }, _ => { }, default);
        await Wait.ForAsync("housekeeping to wait", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM tenfold.job_inbox%' AND datname = current_database()") is 1L);

        var dead = (long)(await database.WorkerAsync("dead", "q", "k", "now() - interval '1 h'"))!;
        var job = await database.RunningAsync(worker: dead);

        await Wait.ForAsync("the dead worker's job to be ready", async () => await database.ExecuteAsync($"SELECT count(*) FROM tenfold.jobs WHERE id = {job} AND place IS NOT NULL") is 1L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM tenfold.job_inbox%' AND datname = current_database()"));
        await transaction.RollbackAsync();
    }
}
