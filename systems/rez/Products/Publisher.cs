using Commons.Http;
using Npgsql;
using Rez.Caching;
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

    /// <summary>Brings one change into the catalogue, for the request that made it: it is made, so it is published, whether its client has left or not. Caches are the caller's.</summary>
    /// <param name="changed">As its merchant has it; the catalogue knows the product.</param>
    /// <param name="reply">Gets its JSON.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <returns>The version that the catalogue has now; null when it has no such product.</returns>
    internal async Task<int?> PublishAsync(MerchantProduct changed, Reply reply, Caller caller)
    {
        var published = await catalogue.PublishAsync(changed, reply, caller, CancellationToken.None);
        try
        {
            await products.PublishedAsync(changed.MerchantId, [changed], CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or TimeoutException)
        {
            // It is changed and published; the next look finds the note missing, and does it once more.
        }

        return published;
    }

    /// <summary>One look at all databases.</summary>
    /// <returns>How many were published.</returns>
    internal async Task<int> PublishAsync(TimeSpan age, CancellationToken cancel)
    {
        var published = await PublishAsync(await products.UnpublishedAsync(age, AtOnce, cancel), cancel);
        if (published > 0)
        {
            await Cached.InvalidateListsAsync(cache);
        }

        return published;
    }

    /// <summary>Brings products into the catalogue, then their pages up to date, then notes it: whoever dies in between leaves the note missing.</summary>
    /// <param name="changed">As their merchants have them.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>How many were published. The lists that they may stand in are not invalidated yet.</returns>
    internal async Task<int> PublishAsync(IReadOnlyList<MerchantProduct> changed, CancellationToken cancel)
    {
        if (changed.Count == 0)
        {
            return 0;
        }

        var published = await FollowAsync(changed, cancel);
        foreach (var refused in changed.Except(published))
        {
            logger.LogError("The catalogue does not take version {Version} of product {Id}: its category {Category} or store {Store} is not there", refused.Version, refused.Id, refused.CategoryId, refused.StoreId);
        }

        await Cached.InvalidateAsync(cache, published.Select(product => product.Id));
        foreach (var merchant in published.GroupBy(product => product.MerchantId))
        {
            await products.PublishedAsync(merchant.Key, [.. merchant], cancel);
        }

        return published.Count;
    }

    private async Task<List<MerchantProduct>> FollowAsync(IReadOnlyList<MerchantProduct> changed, CancellationToken cancel)
    {
        try
        {
            return await catalogue.PublishAsync(changed, cancel);
        }
        catch (PostgresException refused) when (changed.Count > 1 && refused.InvariantSeverity == "ERROR" && !refused.IsTransient)
        {
            // One of them: the others are not kept waiting.
            var published = new List<MerchantProduct>();
            foreach (var product in changed)
            {
                published.AddRange(await FollowAsync([product], cancel));
            }

            return published;
        }
        catch (PostgresException refused) when (changed.Count == 1 && refused.InvariantSeverity == "ERROR" && !refused.IsTransient)
        {
            logger.LogError(refused, "The catalogue refuses version {Version} of product {Id}", changed[0].Version, changed[0].Id);
            return [];
        }
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
