using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Rez.Tests.Images;

namespace Rez.Tests.Authorisation;

/// <summary>Merchants' products and images.</summary>
internal static class CatalogueExamples
{
    public static IEnumerable<Example> All =>
    [
        new("POST /api/merchants/{id}/products", New),
        new("GET /api/merchants/{id}/products", world => Examples.Request("GET", $"/api/merchants/{world.Merchant}/products")),
        new("DELETE /api/products/{id}", async (world, _) =>
        {
            using var made = await world.As(Role.Merchant).SendAsync(New(world));
            return Examples.Request("DELETE", made.Headers.Location!.ToString());
        }),
        new("POST /api/products/{id}/images", Upload),
        new("GET /api/products/{id}/images", world => Examples.Request("GET", $"/api/products/{world.Product}/images")),
        new("PUT /api/images/{id}", async (world, _) => Examples.Request("PUT", $"/api/images/{await ImageAsync(world)}", new { position = 1 })),
        new("DELETE /api/images/{id}", async (world, _) => Examples.Request("DELETE", $"/api/images/{await ImageAsync(world)}")),
        new("GET /images/{id}/{width}", async (world, _) => Examples.Request("GET", $"/images/{await ImageAsync(world)}/200")),
        new("HEAD /images/{id}/{width}", async (world, _) => Examples.Request("HEAD", $"/images/{await ImageAsync(world)}/200")),
    ];

    private static HttpRequestMessage New(World world) => Examples.Request(
        "POST", $"/api/merchants/{world.Merchant}/products", new { sku = Guid.NewGuid().ToString("N"), name = "Thing", brand = "B", price = 1, categoryId = 22, isActive = false });

    private static HttpRequestMessage Upload(World world) =>
        new(HttpMethod.Post, $"/api/products/{world.Product}/images") { Content = new MultipartFormDataContent { { new ByteArrayContent(Samples.Png(12, 8, seed: 77)), "file", "a.png" } } };

    // The same file is the same image, until it is deleted.
    private static async Task<string> ImageAsync(World world)
    {
        using var response = await world.As(Role.Merchant).SendAsync(Upload(world));
        return (string)(await response.Content.ReadFromJsonAsync<JsonNode>())!["data"]!["id"]!;
    }
}
