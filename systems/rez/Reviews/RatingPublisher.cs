using Commons.Data;
using Npgsql;
using Rez.Caching;
using Tenfold.Caching;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary>A product's figures at its bucket.</summary>
internal sealed record ProductRating(long Product, Rating Rating, int Version, DateTime UpdatedAt);

/// <summary>
/// Brings products' figures into the catalogue, version by version, for the job of each change; and as a safety net, on every instance, those
/// that no job has brought there. Doing it twice changes nothing.
/// </summary>
internal sealed class RatingPublisher(ShardedStore store, JobClient jobs, TenfoldCache cache, TimeProvider time, ILogger<RatingPublisher> logger) : BackgroundService
{
    /// <summary>Lists are invalidated at most so often: each time all of them are loaded anew.</summary>
    public static readonly TimeSpan ListsEvery = TimeSpan.FromSeconds(30);

    /// <summary>Changes are left to their job for so long.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(20);

    private const int AtOnce = 200;
    private const string Columns = "product_id, stars, version, updated_at";

    /// <summary>One product.</summary>
    public async Task PublishAsync(long product, CancellationToken cancel)
    {
        var shard = store.Shard(product);
        List<ProductRating> rating;
        await using (var connection = await shard.Store.OpenWriterAsync(null, cancel)) // a replica may not have it yet
        {
            rating = await Sql.ListAsync(Sql.Command(connection, $"SELECT {Columns} FROM product_ratings WHERE bucket_id = $1 AND product_id = $2 AND published < version", shard.Bucket, product), Read, cancel);
        }

        await PublishAsync(rating, cancel);
    }

    /// <summary>One look at all databases.</summary>
    /// <returns>How many were brought to the catalogue.</returns>
    internal async Task<int> PublishAsync(TimeSpan age, CancellationToken cancel)
    {
        var late = await store.ScatterAsync(
            new ScatterQuery<ProductRating>
            {
                Sql = $"SELECT {Columns} FROM product_ratings WHERE published < version AND bucket_id = ANY ($1) AND updated_at <= now() - $3::interval ORDER BY updated_at, product_id LIMIT $2",
                Values = [age],
                Read = Read,
                Order = Comparer<ProductRating>.Create((a, b) => (a.UpdatedAt, a.Product).CompareTo((b.UpdatedAt, b.Product))),
                Limit = AtOnce,
            },
            null,
            cancel);
        await PublishAsync(late.Rows, cancel);
        return late.Rows.Count;
    }

    internal async Task RefreshListsAsync() => await cache.InvalidateTagAsync(Cached.Products);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Age / 4, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    if (await PublishAsync(Age, stoppingToken) is > 0 and var count)
                    {
                        logger.LogWarning("{Count} ratings had not reached the catalogue; they are in it now", count);
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

    /// <summary>Catalogue, then pages, then the note: whoever dies in between leaves the note missing.</summary>
    private async Task PublishAsync(IReadOnlyList<ProductRating> ratings, CancellationToken cancel)
    {
        if (ratings.Count == 0)
        {
            return;
        }

        await store.Home.WriteAsync(null, ratings, FollowAsync, cancel);
        await Cached.InvalidateAsync(cache, ratings.Select(rating => rating.Product));
        await jobs.EnqueueAsync(new RefreshRatedLists(), new EnqueueOptions { Delay = ListsEvery, Unique = new JobUnique("lists", UniqueWhile.Waiting) }, cancel);
        foreach (var rating in ratings)
        {
            await using var batch = new NpgsqlBatch();
            batch.BatchCommands.Add(Sql.InBatch(
                "UPDATE product_ratings SET published = $3 WHERE bucket_id = $1 AND product_id = $2 AND published < $3", store.Map.BucketOf(rating.Product), rating.Product, rating.Version));
            await store.ExecuteAsync(rating.Product, batch, null, cancel);
        }
    }

    private static async ValueTask<bool> FollowAsync(NpgsqlConnection connection, IReadOnlyList<ProductRating> ratings, CancellationToken cancel)
    {
        var ids = ratings.Select(rating => rating.Product).ToArray();
        // In one order with all who publish products: the rendering shows columns that they change.
        await Sql.ExecuteAsync(Sql.Command(connection, "SELECT FROM products WHERE id = ANY ($1) ORDER BY id FOR UPDATE", ids), cancel);
        await Sql.ExecuteAsync(
            Sql.Command(
                connection,
                """
                WITH given AS (SELECT * FROM unnest($1, $2, $3, $4) r(id, version, tenths, count)),
                newer AS (
                    INSERT INTO published_ratings AS known (product_id, version) SELECT id, version FROM given WHERE EXISTS (SELECT FROM products WHERE products.id = given.id)
                    ON CONFLICT (product_id) DO UPDATE SET version = excluded.version WHERE known.version < excluded.version RETURNING product_id)
                UPDATE products SET rating_tenths = given.tenths, review_count = given.count FROM given JOIN newer ON newer.product_id = given.id WHERE products.id = given.id
                """,
                ids,
                ratings.Select(rating => rating.Version).ToArray(),
                ratings.Select(rating => rating.Rating.Tenths).ToArray(),
                ratings.Select(rating => rating.Rating.Count).ToArray()),
            cancel);
        return true;
    }

    private static ProductRating Read(NpgsqlDataReader row) => new(row.GetInt64(0), new Rating(row.GetFieldValue<int[]>(1)), row.GetInt32(2), row.GetDateTime(3));
}
