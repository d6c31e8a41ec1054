using Rez.Tests.Reviews;

namespace Rez.Tests.Authorisation;

internal static class ReviewsExamples
{
    public static IEnumerable<Example> All =>
    [
        new("POST /api/products/{id}/reviews", async (world, _) =>
        {
            await new Shopper(world.Shop, world.Customer).OrderAsync(world.Product);
            return Examples.Request("POST", $"/api/products/{world.Product}/reviews", new { rating = 5, body = "Good." });
        }),
        new("GET /api/products/{id}/reviews", world => Examples.Request("GET", $"/api/products/{world.Product}/reviews")),
        new("PATCH /api/reviews/{id}", async (world, _) => Examples.Request("PATCH", $"/api/reviews/{await ReviewedAsync(world)}", new { rating = 4 })),
        new("DELETE /api/reviews/{id}", async (world, _) => Examples.Request("DELETE", $"/api/reviews/{await ReviewedAsync(world)}")),
        new("POST /api/admin/reviews/{id}/hide", async (world, _) => Examples.Request("POST", $"/api/admin/reviews/{await ReviewedAsync(world)}/hide")),
        new("POST /api/admin/reviews/{id}/show", async (world, _) => Examples.Request("POST", $"/api/admin/reviews/{await ReviewedAsync(world)}/show")),
    ];

    /// <summary>A review of the customer's.</summary>
    private static async Task<string> ReviewedAsync(World world)
    {
        var shopper = new Shopper(world.Shop, world.Customer);
        await shopper.OrderAsync(world.Product);
        return (await shopper.ReviewedAsync(world.Product, 5)).Id;
    }
}
