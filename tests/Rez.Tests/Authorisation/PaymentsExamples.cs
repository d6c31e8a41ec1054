using Rez.Tests.Orders;
using Rez.Tests.Payments;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Authorisation;

internal static class PaymentsExamples
{
    public static IEnumerable<Example> All =>
    [
        new("POST /api/payments", async (world, _) => await PaymentAsync(world)),
        new("GET /api/payments/{id}", async (world, _) =>
        {
            using var response = await world.Customer.Http.SendAsync(await PaymentAsync(world));
            return Examples.Request("GET", $"/api/payments/{(await response.DataAsync(201)).Id()}");
        }),
        new("POST /api/payments/webhooks", _ =>
        {
            // Whoever knows the secret; the payment is nobody's.
            var body = Events.Of("payment_intent.succeeded", new ShardId(1), 1, "succeeded");
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments/webhooks") { Content = new StringContent(body, null, "application/json") };
            request.Headers.Add("Stripe-Signature", Events.Sign(body, DateTimeOffset.UtcNow));
            return request;
        }),
    ];

    private static async Task<HttpRequestMessage> PaymentAsync(World world)
    {
        var order = await world.Customer.Http.PlaceAsync((world.Product, 1));
        var request = Examples.Request("POST", "/api/payments", new { orderId = order.Id(), method = "pm_ok" });
        request.Headers.Add("Idempotency-Key", Buyers.NewKey());
        return request;
    }
}
