using Commons.Accounts;
using Commons.Http;
using Commons.Idempotency;
using Commons.OpenApi;
using Rez.Stock;

namespace Rez.Orders;

/// <summary>Orders of buyers.</summary>
internal static class OrdersRoutes
{
    private static readonly Operation PlaceOrderOperation = new(
        "placeOrder", "Orders products, or what is in the cart, all or nothing. They are held until expiresAt; the order is cancelled when it is not paid by then.", typeof(Item<OrderShown>), IdempotencyHeader.Parameter)
    { Body = typeof(OrderRequest), Status = 201, Access = Access.User, Problems = [409, 413, 415, 422] };

    public static void AddOrders(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(OrderOptions.Read(configuration));
        services.AddSingleton<IdempotencyKeys>();
        services.AddSingleton<ProductPlaces>();
        services.AddSingleton<StockTable>();
        services.AddSingleton<OrderTable>();
        services.AddSingleton<OrderMoves>();
        services.AddSingleton<PlaceOrder>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(OrdersJson.Default));
    }

    public static void MapOrders(this RouteTable routes)
    {
        routes.Map("POST", "/api/orders", routes.Of<PlaceOrder>().HandleAsync, PlaceOrderOperation);
    }
}
