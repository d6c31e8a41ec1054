using Npgsql;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary>What a buyer says of a product. <paramref name="Id"/> holds the product's bucket.</summary>
internal sealed record Review(ShardId Id, long ProductId, ShardId UserId, ShardId OrderId, int Rating, string Body, DateTime CreatedAt);

/// <summary>Reviews by product.</summary>
internal sealed class ReviewTable(ShardedStore store)
{
    private const string Columns = "id, product_id, user_id, order_id, rating, body, created_at";

    /// <summary>A new review; null when that order's product was reviewed before.</summary>
    public Task<Review?> AddAsync(long product, ShardId user, ShardId order, int rating, string body, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(product);
        return store.WriteAsync(
            product,
            (write, token) => Sql.OneAsync(
                Sql.Command(
                    write.Connection,
                    $"INSERT INTO reviews (bucket_id, id, product_id, user_id, order_id, rating, body) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (bucket_id, order_id, product_id) DO NOTHING RETURNING {Columns}",
                    write.Bucket,
                    id.Value,
                    product,
                    user.Value,
                    order.Value,
                    (short)rating,
                    body),
                Read,
                token),
            caller,
            cancel);
    }

    /// <summary>A product's reviews, the newest first, from the one after <paramref name="after"/> on.</summary>
    public async Task<List<Review>> OfProductAsync(long product, ShardId? after, int limit, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(product);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(
                connection,
                $"SELECT {Columns} FROM reviews WHERE bucket_id = $1 AND product_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
                shard.Bucket,
                product,
                after?.Value ?? long.MaxValue,
                limit),
            Read,
            cancel);
    }

    /// <summary>A user's reviews, the newest first. Asks every database: reviews are where their products are.</summary>
    public Task<ScatterPage<Review>> OfUserAsync(ShardId user, ShardId? after, int limit, Caller? caller, CancellationToken cancel) => store.ScatterAsync(
        new ScatterQuery<Review>
        {
            Sql = $"SELECT {Columns} FROM reviews WHERE user_id = $4 AND bucket_id = ANY ($1) AND id < $3 ORDER BY id DESC LIMIT $2",
            Values = [after?.Value ?? long.MaxValue, user.Value],
            Read = Read,
            Order = Comparer<Review>.Create((a, b) => b.Id.CompareTo(a.Id)),
            Limit = limit,
        },
        caller,
        cancel);

    private static Review Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)), row.GetInt64(1), new ShardId(row.GetInt64(2)), new ShardId(row.GetInt64(3)), row.GetInt16(4), row.GetString(5), row.GetDateTime(6));
}
