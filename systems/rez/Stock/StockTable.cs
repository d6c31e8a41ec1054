using Commons.Data;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Stock;

/// <summary>A product's stock: received = available + reserved + sold, always.</summary>
internal sealed record StockLevel(long ProductId, long Received, int Available, int Reserved, long Sold)
{
    internal const string Columns = "product_id, received, available, reserved, sold";

    internal static StockLevel Read(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetInt64(1), row.GetInt32(2), row.GetInt32(3), row.GetInt64(4));
}

/// <summary>So many of a product are wanted.</summary>
internal sealed record Wanted(long ProductId, int Quantity);

/// <summary>A product as its merchant offers it.</summary>
internal sealed record Offer(long ProductId, string Name, int PriceCents, int Available);

/// <summary>A product that was to be held.</summary>
/// <param name="ProductId">The product.</param>
/// <param name="PriceCents">Its price now; null when its merchant does not offer it.</param>
/// <param name="Name">Its name now; null when its merchant does not offer it.</param>
/// <param name="Available">How many are left.</param>
/// <param name="Held">Whether it is held: all of a call are, or none.</param>
internal sealed record HeldProduct(long ProductId, int? PriceCents, string? Name, int Available, bool Held);

/// <summary>Stock at its merchants. A product without a row has never had any.</summary>
internal sealed class StockTable(ShardedStore store)
{
    /// <summary>Most that a product can have available.</summary>
    public const int MostAvailable = 1_000_000_000;

    /// <summary>Holds products of one merchant for an order that may be written until then: all or none. One round trip.</summary>
    /// <param name="merchant">Whose products.</param>
    /// <param name="order">The order to be.</param>
    /// <param name="wanted">Each product once.</param>
    /// <param name="until">When the hold ends, unless the order is paid.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait; what was held by then is released by <see cref="ReleaseAsync"/> or after it has expired.</param>
    public async Task<List<HeldProduct>> HoldAsync(int merchant, ShardId order, IReadOnlyCollection<Wanted> wanted, DateTime until, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(
            "SELECT product, price, product_name, left_over, is_held FROM hold_stock($1, $2, $3, $4, $5, $6, $7)",
            shard.Bucket,
            merchant,
            order.Value,
            wanted.Select(item => item.ProductId).ToArray(),
            wanted.Select(item => item.Quantity).ToArray(),
            until,
            shard.Database == store.Shard(order).Database));
        return await store.QueryAsync(
            merchant,
            batch,
            static async (rows, token) =>
            {
                var held = new List<HeldProduct>();
                while (await rows.ReadAsync(token))
                {
                    held.Add(new HeldProduct(rows.GetInt64(0), rows.IsDBNull(1) ? null : rows.GetInt32(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetInt32(3), rows.GetBoolean(4)));
                }

                return held;
            },
            caller,
            cancel);
    }

    /// <summary>What an order holds at a merchant is sold. May be done again.</summary>
    public Task SettleAsync(int merchant, ShardId order, CancellationToken cancel) => ExecuteAsync("SELECT settle_stock($1, $2, $3)", merchant, order, cancel);

    /// <summary>What an order holds, or has bought, at a merchant is available again. May be done again.</summary>
    public Task ReleaseAsync(int merchant, ShardId order, CancellationToken cancel) => ExecuteAsync("SELECT release_stock($1, $2, $3)", merchant, order, cancel);

    /// <summary>What an order holds at a merchant is looked at again in a minute.</summary>
    public Task PostponeAsync(int merchant, ShardId order, CancellationToken cancel) => ExecuteAsync(
        "UPDATE stock_holds h SET expires_at = now() + interval '1 minute' FROM stock s WHERE h.bucket_id = $1 AND h.order_id = $3 AND h.state = 'held' AND s.bucket_id = $1 AND s.product_id = h.product_id AND s.merchant_id = $2",
        merchant,
        order,
        cancel);

    /// <summary>A product's stock.</summary>
    public async Task<StockLevel> FindAsync(int merchant, long product, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(
            Sql.Command(connection, $"SELECT {StockLevel.Columns} FROM stock WHERE bucket_id = $1 AND product_id = $2", shard.Bucket, product), StockLevel.Read, cancel) ?? new StockLevel(product, 0, 0, 0, 0);
    }

    /// <summary>Products as their merchants offer them now: those that are not offered are left out. Asks every database once.</summary>
    public async Task<IReadOnlyDictionary<long, Offer>> OffersAsync(IReadOnlyDictionary<long, int> merchants, Caller? caller, CancellationToken cancel)
    {
        if (merchants.Count == 0)
        {
            return new Dictionary<long, Offer>();
        }

        var found = await store.ScatterAsync(
            new ScatterQuery<Offer>
            {
                Sql =
                    """
                    SELECT m.id, m.name, m.price_cents, coalesce(s.available, 0)
                    FROM unnest($3, $4) w(bucket, product) JOIN merchant_products m ON m.bucket_id = w.bucket AND m.id = w.product LEFT JOIN stock s ON s.bucket_id = w.bucket AND s.product_id = w.product
                    WHERE m.bucket_id = ANY ($1) AND m.is_active LIMIT $2
                    """,
                Values = [merchants.Values.Select(merchant => store.Map.BucketOf(merchant)).ToArray(), merchants.Keys.ToArray()],
                Read = row => new Offer(row.GetInt64(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3)),
                Limit = merchants.Count,
            },
            caller,
            cancel);
        return found.Rows.ToDictionary(offer => offer.ProductId);
    }

    /// <summary>Sets how many are available, or changes it by so many; what is reserved or sold stays. The first time makes the row.</summary>
    /// <returns>Before and after; after is null when it would be below 0 or above <see cref="MostAvailable"/>, and nothing was changed.</returns>
    public static async Task<(StockLevel Before, StockLevel? After)> ChangeAsync(ShardTransaction write, int merchant, long product, StockChange change, CancellationToken cancel)
    {
        await Sql.ExecuteAsync(
            Sql.Command(
                write.Connection,
                "INSERT INTO stock (bucket_id, product_id, merchant_id, received, available) VALUES ($1, $2, $3, 0, 0) ON CONFLICT DO NOTHING",
                write.Bucket,
                product,
                merchant),
            cancel);
        var before = await Sql.OneAsync(
            Sql.Command(write.Connection, $"SELECT {StockLevel.Columns} FROM stock WHERE bucket_id = $1 AND product_id = $2 FOR NO KEY UPDATE", write.Bucket, product), StockLevel.Read, cancel);
        var available = change.Available ?? before!.Available + (long)change.Change!.Value;
        return available is < 0 or > MostAvailable ? (before!, null) : (before!, await Sql.OneAsync(
            Sql.Command(
                write.Connection,
                $"UPDATE stock SET available = $3, received = $3 + reserved + sold, updated_at = now() WHERE bucket_id = $1 AND product_id = $2 RETURNING {StockLevel.Columns}",
                write.Bucket,
                product,
                (int)available),
            StockLevel.Read,
            cancel));
    }

    private async Task ExecuteAsync(string sql, int merchant, ShardId order, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(sql, store.Map.BucketOf(merchant), merchant, order.Value));
        await store.ExecuteAsync(merchant, batch, null, cancel);
    }
}
