using Commons.Data;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Carts;

/// <summary>So many of a product.</summary>
internal sealed record CartItem(long ProductId, int Quantity, DateTime AddedAt);

/// <summary>Carts by owner.</summary>
internal sealed class CartTable(ShardedStore store)
{
    /// <summary>Most different products in a cart.</summary>
    public const int Most = 200;

    /// <summary>Most of one product in a cart.</summary>
    public const int MostOfOne = 99;

    /// <summary>How long what guests have put into their carts is kept.</summary>
    public static readonly TimeSpan GuestsKept = TimeSpan.FromDays(30);

    private static readonly string Full = $"(SELECT count(*) FROM cart_items WHERE bucket_id = $1 AND user_id = $2 AND product_id <> $3) >= {Most}";

    /// <summary>Sets how many of a product are in a cart. One round trip.</summary>
    /// <param name="owner">Whose cart.</param>
    /// <param name="product">The product.</param>
    /// <param name="quantity">1 to 99; 0 takes it out.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>False when the cart is full, with <see cref="Most"/> other products, and when there was nothing to take out.</returns>
    public async Task<bool> SetAsync(CartOwner owner, long product, int quantity, Caller? caller, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(quantity == 0
            ? Sql.InBatch("DELETE FROM cart_items WHERE bucket_id = $1 AND user_id = $2 AND product_id = $3", owner.Bucket, owner.Id, product)
            : Sql.InBatch(
                $"""
                INSERT INTO cart_items (bucket_id, user_id, product_id, quantity) SELECT $1, $2, $3, $4 WHERE NOT {Full}
                ON CONFLICT (bucket_id, user_id, product_id) DO UPDATE SET quantity = excluded.quantity
                """,
                owner.Bucket,
                owner.Id,
                product,
                quantity));
        return await store.ExecuteAsync(owner.Key, batch, caller, cancel) > 0;
    }

    /// <summary>Empties a cart.</summary>
    public async Task ClearAsync(CartOwner owner, Caller? caller, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch("DELETE FROM cart_items WHERE bucket_id = $1 AND user_id = $2", owner.Bucket, owner.Id));
        await store.ExecuteAsync(owner.Key, batch, caller, cancel);
    }

    /// <summary>What is in a cart, by product.</summary>
    public async Task<List<CartItem>> ListAsync(CartOwner owner, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(owner.Key);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(connection, "SELECT product_id, quantity, added_at FROM cart_items WHERE bucket_id = $1 AND user_id = $2 ORDER BY product_id", shard.Bucket, owner.Id),
            row => new CartItem(row.GetInt64(0), row.GetInt32(1), row.GetDateTime(2)),
            cancel);
    }

    /// <summary>
    /// Moves what is in one cart into another, as far as there is room. Of a product in both the larger quantity stays, so that a merge
    /// that broke off between the two buckets may be done again.
    /// </summary>
    public async Task MergeAsync(CartOwner from, CartOwner into, Caller? caller, CancellationToken cancel)
    {
        var items = await ListAsync(from, new Caller { SeesEverything = true }, cancel);
        if (items.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(
            $"""
            INSERT INTO cart_items (bucket_id, user_id, product_id, quantity)
            SELECT $1, $2, product, quantity FROM (
                SELECT i.product, i.quantity, mine.product_id IS NULL AND
                    (SELECT count(*) FROM cart_items WHERE bucket_id = $1 AND user_id = $2) + row_number() OVER (PARTITION BY mine.product_id IS NULL ORDER BY i.product) > {Most} AS is_too_many
                FROM unnest($3, $4) i(product, quantity) LEFT JOIN cart_items mine ON mine.bucket_id = $1 AND mine.user_id = $2 AND mine.product_id = i.product) merged
            WHERE NOT is_too_many
            ON CONFLICT (bucket_id, user_id, product_id) DO UPDATE SET quantity = greatest(cart_items.quantity, excluded.quantity)
            """,
            into.Bucket,
            into.Id,
            items.Select(item => item.ProductId).ToArray(),
            items.Select(item => item.Quantity).ToArray()));
        await store.ExecuteAsync(into.Key, batch, caller, cancel);
        await ClearAsync(from, caller, cancel);
    }

    /// <summary>Removes what guests have left in carts for longer than that, a thousand of each database at a time.</summary>
    /// <returns>How many were removed.</returns>
    public async Task<int> SweepAsync(TimeSpan age, CancellationToken cancel)
    {
        var old = await store.ScatterAsync(
            new ScatterQuery<int>
            {
                Sql = "SELECT bucket_id FROM cart_items WHERE user_id < 0 AND added_at < now() - $3::interval AND bucket_id = ANY ($1) ORDER BY added_at LIMIT $2",
                Values = [age],
                Read = row => row.GetInt32(0),
                Limit = 1_000,
            },
            null,
            cancel);
        var removed = 0;
        foreach (var bucket in old.Rows.Distinct())
        {
            await using var batch = new NpgsqlBatch();
            batch.BatchCommands.Add(Sql.InBatch("DELETE FROM cart_items WHERE bucket_id = $1 AND user_id < 0 AND added_at < now() - $2::interval", bucket, age));
            removed += await store.ExecuteAsync(ShardKey.OfBucket(bucket), batch, null, cancel);
        }

        return removed;
    }
}
