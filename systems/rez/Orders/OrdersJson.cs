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
    OrderLineShown[] Lines, OrderPartShown[] MerchantOrders, OrderPaymentShown? Payment);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(OrderRequest))]
[JsonSerializable(typeof(Item<OrderShown>))]
internal sealed partial class OrdersJson : JsonSerializerContext;
