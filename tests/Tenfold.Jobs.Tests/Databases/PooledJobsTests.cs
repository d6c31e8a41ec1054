using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Pooling;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Databases;

public sealed class PooledJobsTests(JobServer server)
{
    [Fact]
    public async Task Behind_a_pooler_in_transaction_mode_jobs_run_and_no_session_is_changed()
    {
        await using var pooler = await PgBouncer.StartAsync(server.Server);
        await using (var app = await JobApp.StartAsync(new PostgresOptions { Name = "main", ConnectionString = pooler.ConnectionString, Pooler = new TransactionPooler(PgBouncer.Readers) }))
        {
            await using (var connection = await app.Store.OpenWriterAsync(null, default))
            {
                await using var transaction = await connection.BeginTransactionAsync();
                await app.Client.EnqueueManyAsync(connection, [.. Enumerable.Range(0, 100).Select(i => new Work($"{i}"))]);
                await app.Client.EnqueueAsync(connection, new Work("delayed"), new EnqueueOptions { Delay = TimeSpan.FromMilliseconds(100) });
                await transaction.CommitAsync();
            }

            await Wait.ForAsync("all to be done", () => app.Done.Count == 101);
            await Wait.ForAsync("all to be ended", async () => await server.Server.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 101L);
            await using var other = await app.Store.OpenWriterAsync(null, default);
            await using var show = new Npgsql.NpgsqlCommand("SELECT current_setting('enable_seqscan') || current_setting('synchronous_commit')", other);
            Assert.Equal("onon", await show.ExecuteScalarAsync());
        }
    }
}
