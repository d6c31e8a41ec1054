using Commons.Http;
using Commons.OpenApi;
using Rez.Stock;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;

namespace Rez.Carts;

/// <summary><c>/api/cart</c>, of users and of guests.</summary>
internal sealed class CartEndpoints(CartTable carts, CartOwners owners, ProductPlaces places, StockTable stock)
{
    /// <summary><c>GET /api/cart</c>: prices and stock are those of now. One query of the cart, one of each database that has its products.</summary>
    public async Task GetAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var (caller, cancel) = (context.Caller(), context.RequestAborted);
        var items = await owners.FindAsync(context, cancel) is { } owner ? await carts.ListAsync(owner, caller, cancel) : [];
        var merchants = await places.MerchantsOfAsync([.. items.Select(item => item.ProductId)], caller, cancel);
        var offers = await stock.OffersAsync(merchants, caller, cancel);
        await AnswerAsync(
            context,
            Cart.Of([.. items.Select(item => CartLine.Of(item, merchants.TryGetValue(item.ProductId, out var merchant) ? merchant : null, offers.GetValueOrDefault(item.ProductId)))]));
    }

    /// <summary><c>DELETE /api/cart</c>.</summary>
    public async Task ClearAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (await owners.FindAsync(context, context.RequestAborted) is { } owner)
        {
            await carts.ClearAsync(owner, context.Caller(), context.RequestAborted);
        }

        await AnswerAsync(context, Cart.Of([]));
    }

    /// <summary><c>PUT /api/cart/items/{id}</c>: so many of a product.</summary>
    public async Task PutAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product
            || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await JsonBody.ReadAsync(context, CartsJson.Default.CartQuantity, "cart item", quantity => quantity.Errors()) is not { } wanted)
        {
            return;
        }

        var (caller, cancel) = (context.Caller(), context.RequestAborted);
        if (await places.MerchantOfAsync(product, caller, cancel) is null)
        {
            await ItemReply.NotFoundAsync(context, "product");
            return;
        }

        if (!await carts.SetAsync(await owners.EnsureAsync(context, cancel), product, wanted.Quantity, caller, cancel))
        {
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"The cart is full: it has {CartTable.Most} other products. Take one out first.");
            return;
        }

        await AnswerAsync(context, new CartItemShown(product, wanted.Quantity));
    }

    /// <summary><c>DELETE /api/cart/items/{id}</c>. What is not there is out already.</summary>
    public async Task RemoveAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (await owners.FindAsync(context, context.RequestAborted) is { } owner)
        {
            await carts.SetAsync(owner, product, 0, context.Caller(), context.RequestAborted);
        }

        await AnswerAsync(context, new CartItemShown(product, 0));
    }

    private static async Task AnswerAsync(HttpContext context, Cart cart)
    {
        using var reply = new Reply();
        reply.Add(new Item<Cart>(true, cart), CartsJson.Default.ItemCart);
        await SendAsync(context, reply);
    }

    private static async Task AnswerAsync(HttpContext context, CartItemShown item)
    {
        using var reply = new Reply();
        reply.Add(new Item<CartItemShown>(true, item), CartsJson.Default.ItemCartItemShown);
        await SendAsync(context, reply);
    }

    private static Task SendAsync(HttpContext context, Reply reply)
    {
        context.Response.Headers.CacheControl = "no-store";
        return reply.SendAsync(context);
    }
}
