using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>Clears away uploads whose instance died with them, and fails imports whose job is gone. Every instance looks; doing it twice changes nothing.</summary>
internal sealed class ImportCleaner(ImportUploads uploads, ImportTable imports, TimeProvider time, ILogger<ImportCleaner> logger) : BackgroundService
{
    private const int AtOnce = 20;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    /// <summary>Longer than any outage, and than a queue is paused.</summary>
    private static readonly TimeSpan Lost = TimeSpan.FromDays(7);

    /// <summary>One look at all databases.</summary>
    /// <param name="silence">Uploads without a sign of life for so long are removed.</param>
    /// <param name="lost">Received imports without one for so long have failed.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>How many uploads were removed.</returns>
    internal async Task<int> CleanAsync(TimeSpan silence, TimeSpan lost, CancellationToken cancel)
    {
        foreach (var id in await uploads.LostAsync(lost, AtOnce, cancel))
        {
            await imports.FailAsync(id, "its job was given up; what was imported until then stays", cancel);
        }

        var broken = await uploads.BrokenAsync(silence, AtOnce, cancel);
        foreach (var id in broken)
        {
            await uploads.RemoveAsync(id, cancel);
        }

        return broken.Count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    if (await CleanAsync(ImportUploads.Silence, Lost, stoppingToken) is > 0 and var count)
                    {
                        logger.LogWarning("{Count} uploads of imports broke off; they are removed", count);
                    }
                }
                catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
                {
                    logger.LogDebug(e, "The next round tries it again");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The app stops.
        }
    }
}
