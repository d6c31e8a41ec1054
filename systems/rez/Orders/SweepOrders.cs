using Commons.Data;
using Commons.Idempotency;
using Rez.Carts;
using Rez.Stock;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>Ends what has run out of time: orders that were not paid, holds of orders that were never written, old keys and guests' carts. Every minute.</summary>
[Job("orders.sweep", Queue = "orders")]
internal sealed record SweepOrders;

/// <summary>Carries it out. Two at the same time do no harm: each order is decided under its own lock, and a release done again changes nothing.</summary>
internal sealed class SweepOrdersHandler(OrderSweeper sweeper, IdempotencyKeys keys, CartTable carts, TimeProvider time) : IJobHandler<SweepOrders>
{
    // The next one comes in a minute.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(45);

    public async Task HandleAsync(SweepOrders job, JobContext context, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        await RepeatAsync(sweeper.ExpireAsync);
        await RepeatAsync(sweeper.ReleaseAsync);
        await RepeatAsync(token => keys.SweepAsync(IdempotencyKeys.Kept, token));
        await RepeatAsync(token => carts.SweepAsync(CartTable.GuestsKept, token));

        async Task RepeatAsync(Func<CancellationToken, Task<int>> sweep)
        {
            while (time.GetElapsedTime(began) < Longest && await sweep(cancel) > 0)
            {
            }
        }
    }
}

/// <summary>Orders and holds whose time is over.</summary>
internal sealed class OrderSweeper(ShardedStore store, OrderTable orders, OrderMoves moves, StockTable stock)
{
    private const int AtOnce = 200;

    private sealed record Hold(ShardId Order, int Merchant);

    /// <summary>Cancels pending orders that were not paid in time; one that is being paid is looked at again in a minute.</summary>
    /// <returns>How many orders were looked at.</returns>
    public async Task<int> ExpireAsync(CancellationToken cancel)
    {
        var expired = await store.ScatterAsync(
            new ScatterQuery<ShardId>
            {
                Sql = "SELECT id FROM orders WHERE status = 'pending' AND expires_at < now() AND bucket_id = ANY ($1) ORDER BY expires_at LIMIT $2",
                Read = row => new ShardId(row.GetInt64(0)),
                Limit = AtOnce,
            },
            null,
            cancel);
        foreach (var order in expired.Rows)
        {
            await store.WriteAsync(
                order,
                async (write, token) =>
                {
                    var move = await moves.ApplyAsync(write, order, OrderAction.Expire, "system", token);
                    if (move is { Outcome: OrderMoveOutcome.Refused, Status: OrderStatus.Pending })
                    {
                        await Sql.ExecuteAsync(
                            Sql.Command(write.Connection, "UPDATE orders SET expires_at = greatest(expires_at, now() + interval '1 minute') WHERE bucket_id = $1 AND id = $2", write.Bucket, order.Value), token);
                    }

                    return move;
                },
                null,
                cancel);
        }

        return expired.Rows.Count;
    }

    /// <summary>Brings holds that have expired to what their order is; those of orders that were never written are released.</summary>
    /// <returns>How many were looked at.</returns>
    public async Task<int> ReleaseAsync(CancellationToken cancel)
    {
        var expired = await store.ScatterAsync(
            new ScatterQuery<Hold>
            {
                Sql = "SELECT h.order_id, s.merchant_id FROM stock_holds h JOIN stock s ON s.bucket_id = h.bucket_id AND s.product_id = h.product_id WHERE h.state = 'held' AND h.expires_at < now() AND h.bucket_id = ANY ($1) ORDER BY h.expires_at LIMIT $2",
                Read = row => new Hold(new ShardId(row.GetInt64(0)), row.GetInt32(1)),
                Limit = AtOnce,
            },
            null,
            cancel);
        foreach (var hold in expired.Rows.Distinct())
        {
            await ReleaseAsync(hold, cancel);
        }

        return expired.Rows.Count;
    }

    private async Task ReleaseAsync(Hold hold, CancellationToken cancel)
    {
        var part = (await orders.PartsAsync(hold.Order, cancel)).Find(part => part.MerchantId == hold.Merchant);
        if (part is null)
        {
            await stock.ReleaseAsync(hold.Merchant, hold.Order, cancel); // whoever held it has died before the order was written, and can no longer write it
        }
        else if (!await SettleStockHandler.SettleAsync(stock, part, cancel))
        {
            await stock.PostponeAsync(hold.Merchant, hold.Order, cancel); // pending: it is being paid, or is about to expire itself
        }
    }
}
