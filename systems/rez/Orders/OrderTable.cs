using Npgsql;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>What was ordered of one merchant. <paramref name="Id"/> holds the user's bucket.</summary>
internal sealed record Order(ShardId Id, ShardId UserId, int MerchantId, string Status, long TotalCents, DateTime CreatedAt);

/// <summary>A product of an order, as it was offered then.</summary>
internal sealed record OrderLine(long ProductId, int Quantity, int PriceCents, string Name);

/// <summary>Orders by user.</summary>
internal sealed class OrderTable(ShardedStore store)
{
    private const string Columns = "id, user_id, merchant_id, status, total_cents, created_at";

    /// <summary>Orders, and takes what was ordered out of the user's cart, in one transaction: all of it is in one bucket.</summary>
    public async Task<Order> PlaceAsync(ShardId user, int merchant, IReadOnlyList<OrderLine> lines, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(user);
        return await store.WriteAsync(
            user,
            async (write, token) =>
            {
                var order = await Sql.OneAsync(
                    Sql.Command(
                        write.Connection,
                        $"INSERT INTO orders (bucket_id, id, user_id, merchant_id, total_cents) VALUES ($1, $2, $3, $4, $5) RETURNING {Columns}",
                        write.Bucket,
                        id.Value,
                        user.Value,
                        merchant,
                        lines.Sum(line => (long)line.Quantity * line.PriceCents)),
                    Read,
                    token);
                await Sql.ExecuteAsync(
                    Sql.Command(
                        write.Connection,
                        "INSERT INTO order_lines (bucket_id, order_id, product_id, quantity, price_cents, name) SELECT $1, $2, * FROM unnest($3, $4, $5, $6)",
                        write.Bucket,
                        id.Value,
                        lines.Select(line => line.ProductId).ToArray(),
                        lines.Select(line => line.Quantity).ToArray(),
                        lines.Select(line => line.PriceCents).ToArray(),
                        lines.Select(line => line.Name).ToArray()),
                    token);
                await Sql.ExecuteAsync(
                    Sql.Command(
                        write.Connection,
                        "DELETE FROM cart_items WHERE bucket_id = $1 AND user_id = $2 AND product_id = ANY ($3)",
                        write.Bucket,
                        user.Value,
                        lines.Select(line => line.ProductId).ToArray()),
                    token);
                return order!;
            },
            caller,
            cancel);
    }

    /// <summary>An order by its id alone; null when there is none.</summary>
    public async Task<(Order Order, IReadOnlyList<OrderLine> Lines)?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(id);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        if (await Sql.OneAsync(Sql.Command(connection, $"SELECT {Columns} FROM orders WHERE bucket_id = $1 AND id = $2", shard.Bucket, id.Value), Read, cancel) is not { } order)
        {
            return null;
        }

        var lines = await Sql.ListAsync(
            Sql.Command(connection, "SELECT product_id, quantity, price_cents, name FROM order_lines WHERE bucket_id = $1 AND order_id = $2 ORDER BY product_id", shard.Bucket, id.Value),
            row => new OrderLine(row.GetInt64(0), row.GetInt32(1), row.GetInt32(2), row.GetString(3)),
            cancel);
        return (order, lines);
    }

    /// <summary>A user's orders, the newest first, from the one after <paramref name="after"/> on.</summary>
    public async Task<List<Order>> OfUserAsync(ShardId user, ShardId? after, int limit, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(user);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(
                connection,
                $"SELECT {Columns} FROM orders WHERE bucket_id = $1 AND user_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
                shard.Bucket,
                user.Value,
                after?.Value ?? long.MaxValue,
                limit),
            Read,
            cancel);
    }

    /// <summary>A merchant's orders of a status, the newest first. Asks every database: orders are where their users are.</summary>
    public Task<ScatterPage<Order>> OfMerchantAsync(int merchant, string status, ShardId? after, int limit, Caller? caller, CancellationToken cancel) =>
        ScatterAsync("merchant_id = $4 AND status = $5", [merchant, status], after, limit, caller, cancel);

    /// <summary>All orders of a status, the newest first. Asks every database.</summary>
    public Task<ScatterPage<Order>> WithStatusAsync(string status, ShardId? after, int limit, Caller? caller, CancellationToken cancel) =>
        ScatterAsync("status = $4", [status], after, limit, caller, cancel);

    /// <summary>Brings an order from one status to the next.</summary>
    /// <returns>False when it is not in <paramref name="from"/>: nothing was changed.</returns>
    public async Task<bool> MoveOnAsync(ShardId id, string from, string to, Caller? caller, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch("UPDATE orders SET status = $4, updated_at = now() WHERE bucket_id = $1 AND id = $2 AND status = $3", id.Bucket, id.Value, from, to));
        return await store.ExecuteAsync(id, batch, caller, cancel) > 0;
    }

    private Task<ScatterPage<Order>> ScatterAsync(string condition, object[] values, ShardId? after, int limit, Caller? caller, CancellationToken cancel) => store.ScatterAsync(
        new ScatterQuery<Order>
        {
            Sql = $"SELECT {Columns} FROM orders WHERE {condition} AND bucket_id = ANY ($1) AND id < $3 ORDER BY id DESC LIMIT $2",
            Values = [after?.Value ?? long.MaxValue, .. values],
            Read = Read,
            Order = Comparer<Order>.Create((a, b) => b.Id.CompareTo(a.Id)),
            Limit = limit,
        },
        caller,
        cancel);

    private static Order Read(NpgsqlDataReader row) =>
        new(new ShardId(row.GetInt64(0)), new ShardId(row.GetInt64(1)), row.GetInt32(2), row.GetString(3), row.GetInt64(4), row.GetDateTime(5));
}
