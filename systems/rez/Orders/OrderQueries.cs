using Commons.Data;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>An order or a part of one, as it is shown.</summary>
internal sealed record ShownRow(long Id, string Json);

/// <summary>Reads orders as they are shown.</summary>
internal sealed class OrderQueries(ShardedStore store)
{
    private static readonly Comparer<ShownRow> NewestFirst = Comparer<ShownRow>.Create((a, b) => b.Id.CompareTo(a.Id));

    /// <summary>One order of a buyer, or of anybody; null when there is none.</summary>
    public async Task<string?> FindAsync(ShardId id, ShardId? buyer, Caller? caller, CancellationToken cancel)
    {
        if (id.Bucket >= store.Map.Scheme.Count)
        {
            return null; // not one of our ids
        }

        var shard = store.Shard(id);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return (await Sql.OneAsync(
            Sql.Command(connection, "SELECT id, order_json(o) FROM orders o WHERE bucket_id = $1 AND id = $2 AND ($3::bigint IS NULL OR user_id = $3)", shard.Bucket, id.Value, buyer?.Value), Read, cancel))?.Json;
    }

    /// <summary>A buyer's orders below an id, the newest first, one more than asked for where there are further ones.</summary>
    public async Task<List<ShownRow>> OfBuyerAsync(ShardId buyer, string? status, long before, int limit, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(buyer);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(
                connection,
                "SELECT id, '{' || order_summary_json(o) || '}' FROM orders o WHERE bucket_id = $1 AND user_id = $2 AND id < $3 AND ($5::text IS NULL OR status = $5) ORDER BY id DESC LIMIT $4",
                shard.Bucket,
                buyer.Value,
                before,
                limit + 1,
                status),
            Read,
            cancel);
    }

    /// <summary>All orders, or those of a status. Asks every database.</summary>
    public Task<ScatterPage<ShownRow>> AllAsync(string? status, long before, int limit, Caller? caller, CancellationToken cancel) =>
        ScatterAsync("id, '{' || order_summary_json(t) || '}' FROM orders t", "", status, before, limit, [], caller, cancel);

    /// <summary>A merchant's parts of orders, or those of a status. Asks every database: orders are where their buyers are.</summary>
    public Task<ScatterPage<ShownRow>> OfMerchantAsync(int merchant, string? status, long before, int limit, Caller? caller, CancellationToken cancel) =>
        ScatterAsync("id, merchant_order_json(t) FROM merchant_orders t", "merchant_id = $4 AND", status, before, limit, [merchant], caller, cancel);

    /// <summary>An order, in the transaction that has changed it.</summary>
    public static Task<ShownRow?> ReadAsync(ShardTransaction write, ShardId order, CancellationToken cancel) =>
        Sql.OneAsync(Sql.Command(write.Connection, "SELECT id, order_json(o) FROM orders o WHERE bucket_id = $1 AND id = $2", write.Bucket, order.Value), Read, cancel);

    /// <summary>A part of an order, in the transaction that has changed it.</summary>
    public static Task<ShownRow?> ReadPartAsync(ShardTransaction write, ShardId part, CancellationToken cancel) =>
        Sql.OneAsync(Sql.Command(write.Connection, "SELECT id, merchant_order_json(m) FROM merchant_orders m WHERE bucket_id = $1 AND id = $2", write.Bucket, part.Value), Read, cancel);

    private Task<ScatterPage<ShownRow>> ScatterAsync(string what, string condition, string? status, long before, int limit, object[] values, Caller? caller, CancellationToken cancel)
    {
        var ofStatus = status is null ? "" : $"status = ${4 + values.Length} AND";
        return store.ScatterAsync(
            new ScatterQuery<ShownRow>
            {
                Sql = $"SELECT {what} WHERE {condition} {ofStatus} id < $3 AND bucket_id = ANY ($1) ORDER BY id DESC LIMIT $2",
                Values = status is null ? [before, .. values] : [before, .. values, status],
                Read = Read,
                Order = NewestFirst,
                Limit = limit,
            },
            caller,
            cancel);
    }

    private static ShownRow Read(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetString(1));
}
