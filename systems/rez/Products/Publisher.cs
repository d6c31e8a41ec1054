using Npgsql;
using Rez.Caching;
using Rez.Http;
using Tenfold.Caching;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Products;

/// <summary>
/// Publishes changes that did not get into the catalogue: whoever made one died, or lost the catalogue's database, between the
/// merchant's commit and the catalogue's. Every instance looks; doing it twice changes nothing.
/// </summary>
internal sealed class Publisher(MerchantProducts products, Catalogue catalogue, TenfoldCache cache, TimeProvider time, ILogger<Publisher> logger) : BackgroundService
{
    /// <summary>Changes are left to their own request for so long. Default 5 s.</summary>
    public TimeSpan Age { get; init; } = TimeSpan.FromSeconds(5);

    private const int AtOnce = 200;

    /// <summary>One look at all databases.</summary>
    /// <returns>How many were published.</returns>
    internal async Task<int> PublishAsync(TimeSpan age, CancellationToken cancel)
    {
        var late = await products.UnpublishedAsync(age, AtOnce, cancel);
        foreach (var product in late)
        {
            using var reply = new Reply();
            await catalogue.PublishAsync(product, reply, null, cancel);
            await Cached.InvalidateAsync(cache, product.Id, change: null);
            await products.PublishedAsync(product, cancel);
        }

        return late.Count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Age, time);
        while (await WaitAsync(timer, stoppingToken))
        {
            try
            {
                if (await PublishAsync(Age, stoppingToken) is > 0 and var count)
                {
                    logger.LogWarning("{Count} changes of products had not reached the catalogue; they are in it now", count);
                }
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
            {
                logger.LogDebug(e, "The next round tries it again");
            }
        }
    }

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
