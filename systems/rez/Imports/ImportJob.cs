using Npgsql;
using Rez.Caching;
using Commons.Data;
using Rez.Products;
using Tenfold.Caching;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>Brings the lines of a received file to the merchant's products, and these to the catalogue.</summary>
/// <param name="Import">Its id, which says in which bucket it is.</param>
[Job("products.import", Queue = "imports")]
internal sealed record ImportJob(long Import);

/// <summary>
/// Applies a file piece by piece. While one piece is applied at the merchant's database, the one before goes into the catalogue. A
/// worker may die at any moment: what was applied is no longer staged, what was applied and is not in the catalogue is found by its
/// versions, and the catalogue takes each version once.
/// </summary>
internal sealed class ImportJobHandler(ImportTable imports, ImportChunks chunks, MerchantProducts products, Publisher publisher, PostgresStore home, TenfoldCache cache, TimeProvider time) : IJobHandler<ImportJob>
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(2);

    /// <summary>Lists are invalidated at the end, and so often meanwhile: each time all of them are loaded anew.</summary>
    private static readonly TimeSpan ListsEvery = TimeSpan.FromSeconds(5);

    public async Task HandleAsync(ImportJob job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(context);
        var id = new ShardId(job.Import);
        try
        {
            var (import, mayRun) = await imports.StartAsync(id, cancel);
            if (import is null)
            {
                return; // it has ended, or was removed
            }

            if (!mayRun)
            {
                throw new JobRetryException(Turn, $"an earlier import of merchant {import.MerchantId} goes first") { Counts = false };
            }

            await RunAsync(import, context, cancel);
        }
        catch (Exception away) when (away is PostgresStoreException or ShardException { Failure: ShardFailure.Moved or ShardFailure.Map } or NpgsqlException { IsTransient: true })
        {
            throw new JobRetryException(Outage, "a database is away: " + away.Message, away) { Counts = false };
        }
        catch (Exception failure) when (context.IsLastAttempt && failure is not (OperationCanceledException or JobRetryException))
        {
            await imports.FailAsync(id, "the import failed inside the service; what was imported until then stays", CancellationToken.None);
            throw;
        }
    }

    private async Task RunAsync(Import import, JobContext context, CancellationToken cancel)
    {
        var targets = await TargetsAsync(import.MerchantId, cancel);
        // What a run before this one has applied, and did not get into the catalogue or the caches.
        await PublishRestAsync(import.MerchantId, cancel);
        await Cached.InvalidateListsAsync(cache);
        var invalidated = time.GetTimestamp();
        var ids = Array.Empty<long>();
        var publishing = Task.CompletedTask;
        try
        {
            for (var used = 0; ;)
            {
                if (ids.Length - used < ImportChunks.Lines)
                {
                    ids = [.. ids[used..], .. await NewIdsAsync(ImportChunks.Lines * 4, cancel)];
                    used = 0;
                }

                var (now, changed) = await chunks.ApplyAsync(import, targets, ids[used..(used + ImportChunks.Lines)], cancel);
                if (now is null)
                {
                    return;
                }

                used = Math.Min(ids.Length, used + now.Created - import.Created);
                var wasLast = now.Done == import.Done;
                import = now;
                context.Report(now.Done, now.Rows, $"{now.Created} created, {now.Updated} updated, {now.Unchanged} unchanged, {now.Rejected} rejected");
                await publishing;
                if (wasLast)
                {
                    break;
                }

                publishing = publisher.PublishAsync(changed, cancel);
                if (time.GetElapsedTime(invalidated) >= ListsEvery)
                {
                    await Cached.InvalidateListsAsync(cache);
                    invalidated = time.GetTimestamp();
                }
            }
        }
        finally
        {
            await publishing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it uses what this run's end disposes of
        }

        await PublishRestAsync(import.MerchantId, cancel);
        await Cached.InvalidateListsAsync(cache);
        await imports.EndAsync(import.Number, cancel);
    }

    private async Task PublishRestAsync(int merchant, CancellationToken cancel)
    {
        while (await products.UnpublishedAsync(merchant, ImportChunks.Lines, cancel) is { Count: > 0 } rest && await publisher.PublishAsync(rest, cancel) > 0)
        {
        }
    }

    private async Task<ImportTargets> TargetsAsync(int merchant, CancellationToken cancel)
    {
        await using var connection = await home.OpenWriterAsync(null, cancel);
        return new ImportTargets(
            [.. await Sql.ListAsync(Sql.Command(connection, "SELECT id FROM categories"), row => row.GetInt32(0), cancel)],
            [.. await Sql.ListAsync(Sql.Command(connection, "SELECT id FROM stores WHERE merchant_id = $1 ORDER BY id", merchant), row => row.GetInt32(0), cancel)]);
    }

    /// <summary>Numbers for new products, of the catalogue's own sequence: one that is not used is left out.</summary>
    private async Task<List<long>> NewIdsAsync(int count, CancellationToken cancel)
    {
        await using var connection = await home.OpenWriterAsync(null, cancel);
        return await Sql.ListAsync(Sql.Command(connection, "SELECT nextval(pg_get_serial_sequence('products', 'id')) FROM generate_series(1, $1)", count), row => row.GetInt64(0), cancel);
    }
}
