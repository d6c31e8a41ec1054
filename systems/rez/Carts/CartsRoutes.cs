using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Carts;

/// <summary>Carts.</summary>
internal static class CartsRoutes
{
    private static readonly Operation GetCartOperation = new(
        "getCart", "What is in the cart, with the prices and the stock of now. Guests have a cart by cookie; it is merged into the user's when they have logged in.", typeof(Item<Cart>)) { Access = Access.Guest };

    private static readonly Operation ClearCartOperation = new("clearCart", "Empties the cart", typeof(Item<Cart>)) { Access = Access.Guest };

    private static readonly Operation PutCartItemOperation = new(
        "putCartItem", $"Puts 1 to {CartTable.MostOfOne} of a product into the cart, in the place of those that are there; at most {CartTable.Most} products", typeof(Item<CartItemShown>), Id)
    { Body = typeof(CartQuantity), Access = Access.Guest, Problems = [404, 409, 415] };

    private static readonly Operation RemoveCartItemOperation = new("removeCartItem", "Takes a product out of the cart", typeof(Item<CartItemShown>), Id) { Access = Access.Guest };

    public static void AddCarts(this IServiceCollection services)
    {
        services.AddSingleton<CartTable>();
        services.AddSingleton<CartOwners>();
        services.AddSingleton<CartEndpoints>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(CartsJson.Default));
    }

    public static void MapCarts(this RouteTable routes)
    {
        var endpoints = routes.Of<CartEndpoints>();
        routes.Map("GET", "/api/cart", endpoints.GetAsync, GetCartOperation);
        routes.Map("DELETE", "/api/cart", endpoints.ClearAsync, ClearCartOperation);
        routes.Map("PUT", "/api/cart/items/{id}", endpoints.PutAsync, PutCartItemOperation);
        routes.Map("DELETE", "/api/cart/items/{id}", endpoints.RemoveAsync, RemoveCartItemOperation);
    }
}
