using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.OpenApi;
using Rez.Stock;

namespace Rez.Carts;

/// <summary>A product in a cart, as it is offered now.</summary>
/// <param name="ProductId">The product.</param>
/// <param name="MerchantId">Whose it is.</param>
/// <param name="Name">Its name now; null when it is not offered any more.</param>
/// <param name="Price">Its price now; null when it is not offered any more.</param>
/// <param name="Quantity">How many are in the cart.</param>
/// <param name="Available">How many could be ordered now, at most 99.</param>
/// <param name="State">available, short (fewer than wanted), soldOut, or inactive (not offered any more).</param>
internal sealed record CartLine(long ProductId, int? MerchantId, string? Name, decimal? Price, int Quantity, int Available, string State)
{
    public static CartLine Of(CartItem item, int? merchant, Offer? offer)
    {
        var left = offer is null ? 0 : Math.Min(offer.Available, CartTable.MostOfOne);
        var state = offer is null ? "inactive" : left == 0 ? "soldOut" : left < item.Quantity ? "short" : "available";
        return new CartLine(item.ProductId, merchant, offer?.Name, offer is null ? null : new decimal(offer.PriceCents, 0, 0, false, 2), item.Quantity, left, state);
    }
}

/// <summary>A cart with the prices of now.</summary>
/// <param name="Items">By product.</param>
/// <param name="Total">Of those that are offered.</param>
/// <param name="Currency">USD.</param>
/// <param name="CanBeOrdered">Whether it has items and all of them are available.</param>
internal sealed record Cart(CartLine[] Items, decimal Total, string Currency, bool CanBeOrdered)
{
    public static Cart Of(CartLine[] items) => new(items, items.Sum(item => item.Quantity * (item.Price ?? 0m)), "USD", items.Length > 0 && Array.TrueForAll(items, item => item.State == "available"));
}

/// <summary>Body of <c>PUT /api/cart/items/{id}</c>.</summary>
internal sealed record CartQuantity
{
    public required int Quantity { get; init; }

    public Dictionary<string, string[]> Errors() => Quantity is >= 1 and <= CartTable.MostOfOne
        ? []
        : new(StringComparer.Ordinal) { ["quantity"] = [$"is {Quantity}; it must be from 1 to {CartTable.MostOfOne}"] };
}

/// <summary>What was set.</summary>
internal sealed record CartItemShown(long ProductId, int Quantity);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(CartQuantity))]
[JsonSerializable(typeof(Item<Cart>))]
[JsonSerializable(typeof(Item<CartItemShown>))]
internal sealed partial class CartsJson : JsonSerializerContext;
