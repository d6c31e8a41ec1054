using Npgsql;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Carts;

/// <summary>So many of a product.</summary>
internal sealed record CartItem(long ProductId, int Quantity, DateTime AddedAt);

/// <summary>Carts by user.</summary>
internal sealed class CartTable(ShardedStore store)
{
    /// <summary>Most different products in a cart.</summary>
    public const int Most = 200;

    /// <summary>Most of one product in a cart.</summary>
    public const int MostOfOne = 99;

    /// <summary>Sets how many of a product are in a cart. One round trip.</summary>
    /// <param name="user">Whose cart.</param>
    /// <param name="product">The product.</param>
    /// <param name="quantity">1 to 99; 0 takes it out.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>False when the cart is full, with <see cref="Most"/> other products, and when there was nothing to take out.</returns>
    public async Task<bool> SetAsync(ShardId user, long product, int quantity, Caller? caller, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(quantity == 0
            ? Sql.InBatch("DELETE FROM cart_items WHERE bucket_id = $1 AND user_id = $2 AND product_id = $3", user.Bucket, user.Value, product)
            : Sql.InBatch(
                $"""
                INSERT INTO cart_items (bucket_id, user_id, product_id, quantity)
                SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM cart_items WHERE bucket_id = $1 AND user_id = $2 AND product_id <> $3) < {Most}
                ON CONFLICT (bucket_id, user_id, product_id) DO UPDATE SET quantity = excluded.quantity
                """,
                user.Bucket,
                user.Value,
                product,
                quantity));
        return await store.ExecuteAsync(user, batch, caller, cancel) > 0;
    }

    /// <summary>What is in a cart, by product.</summary>
    public async Task<List<CartItem>> ListAsync(ShardId user, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(user);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(connection, "SELECT product_id, quantity, added_at FROM cart_items WHERE bucket_id = $1 AND user_id = $2 ORDER BY product_id", shard.Bucket, user.Value),
            row => new CartItem(row.GetInt64(0), row.GetInt32(1), row.GetDateTime(2)),
            cancel);
    }
}
