using Commons.Data;
using Commons.Idempotency;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>A product of an order, as it was offered when it was ordered.</summary>
internal sealed record OrderLine(long ProductId, int MerchantId, int Quantity, int PriceCents, string Name);

/// <summary>What is to be ordered, and is held.</summary>
/// <param name="ShipTo">Where it goes.</param>
/// <param name="Lines">By merchant and product.</param>
/// <param name="At">Now, by the clock of the buyer's database.</param>
/// <param name="Until">When the hold ends.</param>
internal sealed record NewOrder(string ShipTo, IReadOnlyList<OrderLine> Lines, DateTime At, DateTime Until);

/// <summary>An order's part at one merchant.</summary>
internal sealed record OrderPart(ShardId Id, ShardId OrderId, int MerchantId, OrderStatus Status, bool HasShipped);

/// <summary>Orders at their buyers. What changes a status is <see cref="OrderMoves"/>.</summary>
internal sealed class OrderTable(ShardedStore store, OrderTold told)
{
    /// <summary>SQL state of a placing that took too long: what it holds is about to be released.</summary>
    public const string TooLate = "OR001";

    /// <summary>Name of the idempotent operation.</summary>
    public const string Placing = "orders.place";

    private const string Place = "SELECT place_order($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

    /// <summary>Writes an order, in one round trip: the claim is ended with the answer, and whoever is to know of the order is told, all in one transaction.</summary>
    /// <param name="claim">The request; the order's id is its attempt.</param>
    /// <param name="order">What was held.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait; whether it was written is not known then.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="PostgresException">State <see cref="IdempotencyKeys.TakenOver"/> or <see cref="TooLate"/>: nothing was written.</exception>
    public async Task<string> PlaceAsync(IdempotentRequest claim, NewOrder order, Caller? caller, CancellationToken cancel)
    {
        var lines = order.Lines;
        var parts = lines.GroupBy(line => line.MerchantId, (merchant, of) => (Id: store.NewId(claim.Caller).Value, Merchant: merchant, Cents: of.Sum(Cents))).ToArray();
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(
            Place,
            claim.Caller.Bucket,
            claim.Caller.Value,
            claim.Key,
            claim.Attempt.Value,
            lines.Sum(Cents),
            order.ShipTo,
            order.At,
            order.Until,
            parts.Select(part => part.Id).ToArray(),
            parts.Select(part => part.Merchant).ToArray(),
            parts.Select(part => part.Cents).ToArray(),
            lines.Select(line => line.ProductId).ToArray(),
            lines.Select(line => line.MerchantId).ToArray(),
            lines.Select(line => line.Quantity).ToArray(),
            lines.Select(line => line.PriceCents).ToArray(),
            lines.Select(line => line.Name).ToArray()));
        foreach (var tell in told.Of(claim.Attempt, 1, "order.placed", OrderStatus.Pending))
        {
            batch.BatchCommands.Add(tell);
        }

        var answer = await store.QueryAsync(
            claim.Caller,
            batch,
            static async (rows, token) =>
            {
                await rows.ReadAsync(token);
                return rows.GetString(0);
            },
            caller,
            cancel);
        told.Wake(store.Shard(claim.Caller).Database);
        return answer;

        static long Cents(OrderLine line) => (long)line.Quantity * line.PriceCents;
    }

    /// <summary>The parts of an order as they are now, at the owner of its bucket; none when there is no such order.</summary>
    public async Task<List<OrderPart>> PartsAsync(ShardId order, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch("SELECT id, order_id, merchant_id, status, shipped_at IS NOT NULL FROM merchant_orders WHERE bucket_id = $1 AND order_id = $2 ORDER BY id", order.Bucket, order.Value));
        return await store.QueryAsync(
            order,
            batch,
            static async (rows, token) =>
            {
                var parts = new List<OrderPart>();
                while (await rows.ReadAsync(token))
                {
                    parts.Add(ReadPart(rows));
                }

                return parts;
            },
            null,
            cancel);
    }

    private static OrderPart ReadPart(NpgsqlDataReader row) =>
        new(new ShardId(row.GetInt64(0)), new ShardId(row.GetInt64(1)), row.GetInt32(2), OrderStates.Parse(row.GetString(3)), row.GetBoolean(4));
}
