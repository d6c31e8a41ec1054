using Rez.Stock;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>Brings the stock at the merchants of an order to what the order's state says now. May run at any time, and again.</summary>
/// <param name="Order">The order.</param>
[Job("orders.settle-stock", Queue = "orders")]
internal sealed record SettleStock(long Order);

/// <summary>Carries it out.</summary>
internal sealed class SettleStockHandler(OrderTable orders, StockTable stock) : IJobHandler<SettleStock>
{
    public async Task HandleAsync(SettleStock job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        foreach (var part in await orders.PartsAsync(new ShardId(job.Order), cancel))
        {
            await SettleAsync(stock, part, cancel);
        }
    }

    /// <summary>The stock of one part.</summary>
    /// <returns>False while it is still to be decided.</returns>
    public static async Task<bool> SettleAsync(StockTable stock, OrderPart part, CancellationToken cancel)
    {
        switch (part)
        {
            case { Status: OrderStatus.Pending }:
                return false;
            case { Status: OrderStatus.Cancelled } or { Status: OrderStatus.Refunded, HasShipped: false }:
                await stock.ReleaseAsync(part.MerchantId, part.OrderId, cancel);
                return true;
            default:
                await stock.SettleAsync(part.MerchantId, part.OrderId, cancel);
                return true;
        }
    }
}
