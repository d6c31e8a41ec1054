using Tenfold.Jobs;

namespace Rez.Orders;

/// <summary>Something happened to an order: tells those who are to know. Enqueued in the transaction in which it happened.</summary>
/// <param name="Order">The order.</param>
/// <param name="Number">Number of the event.</param>
[Job("orders.event", Queue = "orders")]
internal sealed record OrderEvent(long Order, int Number);
