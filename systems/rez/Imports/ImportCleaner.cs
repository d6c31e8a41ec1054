using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>Clears away uploads whose instance died with them. Every instance looks; doing it twice changes nothing.</summary>
internal sealed class ImportCleaner(ImportUploads uploads, TimeProvider time, ILogger<ImportCleaner> logger) : BackgroundService
{
    private const int AtOnce = 20;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    /// <summary>One look at all databases.</summary>
    /// <returns>How many were removed.</returns>
    internal async Task<int> CleanAsync(TimeSpan silence, CancellationToken cancel)
    {
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
                    if (await CleanAsync(ImportUploads.Silence, stoppingToken) is > 0 and var count)
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
