using Tenfold.Jobs;

namespace Rez.Payments;

/// <summary>An order that was paid is refunded: the money goes back. Enqueued in the transaction that refunds the order.</summary>
/// <param name="Order">The order.</param>
[Job("payments.refund", Queue = "orders")]
internal sealed record RefundPayment(long Order);
