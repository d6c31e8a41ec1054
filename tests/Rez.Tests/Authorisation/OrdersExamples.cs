using Rez.Tests.Orders;

namespace Rez.Tests.Authorisation;

internal static class OrdersExamples
{
    public static IEnumerable<Example> All =>
    [
        new("POST /api/orders", world =>
        {
            var request = Examples.Request("POST", "/api/orders", Buyers.Body((world.Product, 1)));
            request.Headers.Add("Idempotency-Key", Buyers.NewKey());
            return request;
        }),
    ];
}
