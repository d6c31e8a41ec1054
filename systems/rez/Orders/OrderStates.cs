using System.Collections.Frozen;

namespace Rez.Orders;

/// <summary>Where an order, or its part at one merchant, stands.</summary>
internal enum OrderStatus
{
    /// <summary>Its products are held; it waits to be paid.</summary>
    Pending,
    Paid,
    Shipped,
    Delivered,

    /// <summary>It came to an end before it was paid.</summary>
    Cancelled,

    /// <summary>It was paid, and the money goes back.</summary>
    Refunded,
}

/// <summary>What can happen to an order.</summary>
internal enum OrderAction
{
    /// <summary>A payment has succeeded.</summary>
    Pay,

    /// <summary>Buyer, merchant or administrator do not want it any more, and nothing was shipped.</summary>
    Cancel,

    /// <summary>It was not paid in time.</summary>
    Expire,

    /// <summary>A merchant has sent its part.</summary>
    Ship,

    /// <summary>A merchant's part has arrived.</summary>
    Deliver,

    /// <summary>An administrator gives the money back, shipped or not.</summary>
    Refund,
}

/// <summary>The state machine of orders: what is not in the table cannot happen.</summary>
internal static class OrderStates
{
    private static readonly FrozenDictionary<(OrderStatus From, OrderAction Action), OrderStatus> Table = new Dictionary<(OrderStatus, OrderAction), OrderStatus>
    {
        [(OrderStatus.Pending, OrderAction.Pay)] = OrderStatus.Paid,
        [(OrderStatus.Pending, OrderAction.Cancel)] = OrderStatus.Cancelled,
        [(OrderStatus.Pending, OrderAction.Expire)] = OrderStatus.Cancelled,
        [(OrderStatus.Paid, OrderAction.Ship)] = OrderStatus.Shipped,
        [(OrderStatus.Paid, OrderAction.Cancel)] = OrderStatus.Refunded,
        [(OrderStatus.Paid, OrderAction.Refund)] = OrderStatus.Refunded,
        [(OrderStatus.Shipped, OrderAction.Deliver)] = OrderStatus.Delivered,
        [(OrderStatus.Shipped, OrderAction.Refund)] = OrderStatus.Refunded,
        [(OrderStatus.Delivered, OrderAction.Refund)] = OrderStatus.Refunded,

        // It has happened already: to repeat it is no mistake.
        [(OrderStatus.Paid, OrderAction.Pay)] = OrderStatus.Paid,
        [(OrderStatus.Shipped, OrderAction.Pay)] = OrderStatus.Shipped,
        [(OrderStatus.Delivered, OrderAction.Pay)] = OrderStatus.Delivered,
        [(OrderStatus.Shipped, OrderAction.Ship)] = OrderStatus.Shipped,
        [(OrderStatus.Delivered, OrderAction.Ship)] = OrderStatus.Delivered,
        [(OrderStatus.Delivered, OrderAction.Deliver)] = OrderStatus.Delivered,
        [(OrderStatus.Cancelled, OrderAction.Cancel)] = OrderStatus.Cancelled,
        [(OrderStatus.Cancelled, OrderAction.Expire)] = OrderStatus.Cancelled,
        [(OrderStatus.Refunded, OrderAction.Cancel)] = OrderStatus.Refunded,
        [(OrderStatus.Refunded, OrderAction.Refund)] = OrderStatus.Refunded,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, OrderStatus> ByText = Enum.GetValues<OrderStatus>().ToFrozenDictionary(Text);

    /// <summary>Status by its name in JSON, in the database and in queries.</summary>
    public static IReadOnlyDictionary<string, OrderStatus> Names => ByText;

    /// <summary>Where an action leads; the same status when it has happened already; null when it cannot happen.</summary>
    public static OrderStatus? Next(OrderStatus from, OrderAction action) => Table.TryGetValue((from, action), out var to) ? to : null;

    /// <summary>An order's status, of those of its parts: the one that is least far.</summary>
    public static OrderStatus Of(IEnumerable<OrderStatus> parts) => parts.Min();

    /// <summary>Its name in JSON, in the database and in queries.</summary>
    public static string Text(OrderStatus status) => status switch
    {
        OrderStatus.Pending => "pending",
        OrderStatus.Paid => "paid",
        OrderStatus.Shipped => "shipped",
        OrderStatus.Delivered => "delivered",
        OrderStatus.Cancelled => "cancelled",
        OrderStatus.Refunded => "refunded",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static OrderStatus Parse(string text) => ByText[text];

    /// <summary>Name of the event that an action is.</summary>
    public static string EventOf(OrderAction action, OrderStatus to) => action == OrderAction.Expire ? "order.expired" : "order." + Text(to);

    /// <summary>Why an action cannot happen, for a person.</summary>
    public static string WhyNot(OrderStatus from, OrderAction action) => (from, action) switch
    {
        (OrderStatus.Shipped or OrderStatus.Delivered, OrderAction.Cancel) => $"it was {Text(from)}: only an administrator can refund it",
        (OrderStatus.Pending, OrderAction.Ship) => "it was not paid yet",
        (OrderStatus.Pending, OrderAction.Refund) => "nothing was paid: it can be cancelled",
        (OrderStatus.Pending or OrderStatus.Paid, OrderAction.Deliver) => "it was not shipped yet",
        _ => $"it is {Text(from)}",
    };
}
