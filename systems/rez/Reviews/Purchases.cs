using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary>Orders with which somebody has bought a product.</summary>
/// <param name="Buyer">Their name now.</param>
/// <param name="Merchant">Whose product it is.</param>
/// <param name="Orders">The newest first.</param>
internal sealed record Purchase(string Buyer, int Merchant, IReadOnlyList<ShardId> Orders);

/// <summary>Who has bought what: at the buyer's bucket.</summary>
internal sealed class Purchases(ShardedStore store)
{
    private const int MostOrders = 1000; // of a user, the newest; and
    private const int MostFound = 20; // of these, with the product

    /// <summary>Orders of a user that have the product, and are paid and not given back.</summary>
    /// <param name="user">The buyer.</param>
    /// <param name="product">The product.</param>
    /// <param name="order">This one only.</param>
    /// <param name="caller">Who reads.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Null when there are none.</returns>
    public async Task<Purchase?> FindAsync(ShardId user, long product, long? order, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(user);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        var rows = await Sql.ListAsync(
            Sql.Command(
                connection,
                $"""
                SELECT a.name, l.merchant_id, o.id
                FROM (SELECT id FROM orders WHERE bucket_id = $1 AND user_id = $2 AND status IN ('paid', 'shipped', 'delivered') AND ($4::bigint IS NULL OR id = $4) ORDER BY id DESC LIMIT {MostOrders}) o
                    JOIN order_lines l ON l.bucket_id = $1 AND l.order_id = o.id AND l.product_id = $3
                    JOIN accounts a ON a.bucket_id = $1 AND a.id = $2
                ORDER BY o.id DESC LIMIT {MostFound}
                """,
                shard.Bucket,
                user.Value,
                product,
                order),
            row => (Buyer: row.GetString(0), Merchant: row.GetInt32(1), Order: new ShardId(row.GetInt64(2))),
            cancel);
        return rows.Count == 0 ? null : new Purchase(rows[0].Buyer, rows[0].Merchant, [.. rows.Select(row => row.Order)]);
    }
}
