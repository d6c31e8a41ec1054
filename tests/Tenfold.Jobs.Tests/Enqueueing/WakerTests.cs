using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Enqueueing;

public sealed class WakerTests(JobServer server)
{
    [Fact]
    public async Task A_database_that_is_gone_for_good_does_not_end_the_telling_of_others()
    {
        await using var database = await server.DatabaseAsync();
        await using var listening = await database.Source.OpenConnectionAsync();
        var told = new List<string>();
        listening.Notification += (_, notice) => told.Add(notice.Payload);
        await new NpgsqlCommand("LISTEN tenfold_jobs", listening).ExecuteNonQueryAsync();
        await using var store = Store(database);
        var gone = Store(database);
        await gone.DisposeAsync();
        await using var waker = new Waker(TimeProvider.System, NullLogger.Instance);

        waker.Wake(new Jobs.Databases.JobDatabase(1, gone), "lost", committed: true);
        waker.Wake(new Jobs.Databases.JobDatabase(0, store), "first", committed: true);
        await HeardAsync("first");
        waker.Wake(new Jobs.Databases.JobDatabase(1, gone), "lost", committed: true);
        waker.Wake(new Jobs.Databases.JobDatabase(0, store), "second", committed: true);
        await HeardAsync("second");

        async Task HeardAsync(string queue)
        {
            using var limit = new CancellationTokenSource(PostgresServer.Patience);
            while (!told.Contains(queue))
            {
                await listening.WaitAsync(limit.Token);
            }
        }
    }

    [Fact]
    public async Task The_worker_of_the_same_process_is_told_at_once_and_whether_the_job_is_committed()
    {
        await using var database = await server.DatabaseAsync(number: null);
        await using var store = Store(database);
        await using var waker = new Waker(TimeProvider.System, NullLogger.Instance);
        var told = new List<(int, string)>();
        waker.Woken = (number, text) => told.Add((number, text));

        waker.Wake(new Jobs.Databases.JobDatabase(7, store), "mail", committed: true);
        waker.Wake(new Jobs.Databases.JobDatabase(7, store), "mail", committed: false);

        Assert.Equal([(7, "mail"), (7, "mail" + Waker.Soon)], told);
    }

    private static PostgresStore Store(JobDatabase database) => new(new PostgresOptions { Name = "main", ConnectionString = database.ConnectionString }, TimeProvider.System, NullLoggerFactory.Instance);
}
