using Rez.Tests.Orders;

namespace Rez.Tests.Authorisation;

/// <summary>Carts, stock and orders; an order is the customer's, of the merchant's product.</summary>
internal static class OrdersExamples
{
    public static IEnumerable<Example> All =>
    [
        new("PUT /api/cart/items/{id}", world => Examples.Request("PUT", $"/api/cart/items/{world.Product}", new { quantity = 1 })),
        new("DELETE /api/cart/items/{id}", world => Examples.Request("DELETE", $"/api/cart/items/{world.Product}")),
        new("DELETE /api/cart", _ => Examples.Request("DELETE", "/api/cart")),
        new("GET /api/products/{id}/stock", world => Examples.Request("GET", $"/api/products/{world.Product}/stock")),
        new("PUT /api/products/{id}/stock", world => Examples.Request("PUT", $"/api/products/{world.Product}/stock", new { change = 5 })),
        new("POST /api/orders", world =>
        {
            var request = Examples.Request("POST", "/api/orders", Buyers.Body((world.Product, 1)));
            request.Headers.Add("Idempotency-Key", Buyers.NewKey());
            return request;
        }),
        new("GET /api/orders/{id}", async (world, _) => Examples.Request("GET", $"/api/orders/{(await OrderedAsync(world)).Order}")),
        new("GET /api/orders/{id}/events", async (world, _) => Examples.Request("GET", $"/api/orders/{(await OrderedAsync(world)).Order}/events")),
        new("POST /api/orders/{id}/cancel", async (world, _) => Examples.Request("POST", $"/api/orders/{(await OrderedAsync(world)).Order}/cancel")),
        new("GET /api/merchants/{id}/orders", world => Examples.Request("GET", $"/api/merchants/{world.Merchant}/orders")),
        new("POST /api/merchant-orders/{id}/ship", async (world, _) => Examples.Request("POST", $"/api/merchant-orders/{(await OrderedAsync(world, "paid")).Part}/ship")),
        new("POST /api/merchant-orders/{id}/deliver", async (world, _) => Examples.Request("POST", $"/api/merchant-orders/{(await OrderedAsync(world, "shipped")).Part}/deliver")),
        new("POST /api/merchant-orders/{id}/cancel", async (world, _) => Examples.Request("POST", $"/api/merchant-orders/{(await OrderedAsync(world)).Part}/cancel")),
        new("POST /api/admin/orders/{id}/refund", async (world, _) => Examples.Request("POST", $"/api/admin/orders/{(await OrderedAsync(world, "paid")).Order}/refund")),
    ];

    /// <summary>An order of the customer's and the merchant's part of it, moved on as if it had been.</summary>
    private static async Task<(string Order, long Part)> OrderedAsync(World world, string status = "pending")
    {
        var order = (await world.Customer.Http.PlaceAsync((world.Product, 1))).Id();
        var bucket = world.Customer.Identity.User.Bucket;
        if (status != "pending")
        {
            await world.Shop.ExecuteAsync(
                $"UPDATE orders SET status = '{status}' WHERE bucket_id = {bucket} AND id = {order}; UPDATE merchant_orders SET status = '{status}' WHERE bucket_id = {bucket} AND order_id = {order}");
        }

        return (order, await world.Shop.ScalarAsync<long>($"SELECT id FROM merchant_orders WHERE bucket_id = {bucket} AND order_id = {order}"));
    }
}
