using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.OpenApi;

namespace Rez.Orders;

// What is shown, as types for the OpenAPI document and for tests; the JSON itself is made in 015-order-rendering.sql.

internal sealed record OrderLineShown(long ProductId, int MerchantId, string Name, int Quantity, decimal Price);

internal sealed record OrderPartShown(string Id, int MerchantId, string Status, decimal Total);

internal sealed record OrderPaymentShown(string Id, string State, decimal Amount);

/// <summary>An order. <paramref name="ExpiresAt"/> only while it waits to be paid.</summary>
internal sealed record OrderShown(
    string Id, string UserId, string Status, decimal Total, string Currency, string ShipTo, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? ExpiresAt,
    OrderLineShown[] Lines, OrderPartShown[] MerchantOrders, OrderPaymentShown? Payment, OrderHistoryShown[] History);

/// <summary>An order in a list.</summary>
internal sealed record OrderSummaryShown(
    string Id, string UserId, string Status, decimal Total, string Currency, string ShipTo, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? ExpiresAt, OrderLineShown[] Lines);

/// <summary>A merchant's part of an order.</summary>
internal sealed record MerchantOrderShown(
    string Id, string OrderId, int MerchantId, string Status, decimal Total, string Currency, string ShipTo, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, OrderLineShown[] Lines);

/// <summary>Something that happened to an order; <paramref name="By"/> is user, merchant, admin or system.</summary>
internal sealed record OrderHistoryShown(int Number, string Event, string By, DateTimeOffset At);

/// <summary>Data of a server-sent event.</summary>
internal sealed record OrderEventShown(string OrderId, string Status, DateTimeOffset At, string? MerchantOrderId = null, int? MerchantId = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(OrderRequest))]
[JsonSerializable(typeof(OrderEventTold))]
[JsonSerializable(typeof(OrderEventShown))]
[JsonSerializable(typeof(KeysetPage<OrderSummaryShown>))]
[JsonSerializable(typeof(KeysetPage<MerchantOrderShown>))]
[JsonSerializable(typeof(Item<MerchantOrderShown>))]
[JsonSerializable(typeof(Item<OrderShown>))]
internal sealed partial class OrdersJson : JsonSerializerContext;
