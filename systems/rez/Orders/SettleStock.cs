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
        var id = new ShardId(job.Order);
        foreach (var part in await orders.PartsAsync(id, cancel))
        {
            switch (part)
            {
                case { Status: OrderStatus.Cancelled } or { Status: OrderStatus.Refunded, HasShipped: false }:
                    await stock.ReleaseAsync(part.MerchantId, id, cancel);
                    break;
                case { Status: not OrderStatus.Pending }:
                    await stock.SettleAsync(part.MerchantId, id, cancel);
                    break;
                default:
                    break; // held: it is still to be decided
            }
        }
    }
}
