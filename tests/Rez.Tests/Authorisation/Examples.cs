using System.Net.Http.Json;
using System.Text;

namespace Rez.Tests.Authorisation;

/// <summary>Every feature's examples: a file each.</summary>
internal static class Examples
{
    public static IReadOnlyDictionary<string, Example> All { get; } = new[]
    {
        ProductsExamples.All,
        AccountsExamples.All,
        OrdersExamples.All,
        PaymentsExamples.All,
        ReviewsExamples.All,
        CatalogueExamples.All,
    }.SelectMany(feature => feature).ToDictionary(example => example.Operation, StringComparer.Ordinal);

    /// <summary>A request without a body, or with one that is JSON.</summary>
    public static HttpRequestMessage Request(string method, string path, object? body = null) =>
        new(new HttpMethod(method), path) { Content = body is null ? null : JsonContent.Create(body) };
}

internal static class ProductsExamples
{
    public static IEnumerable<Example> All =>
    [
        new("GET /api/products/search", _ => Examples.Request("GET", "/api/products/search?q=lamp")),
        new("GET /api/search", _ => Examples.Request("GET", "/api/search?q=lamp")),
        new("GET /api/search/suggestions", _ => Examples.Request("GET", "/api/search/suggestions?q=la")),
        new("GET /api/products/{id}", world => Examples.Request("GET", $"/api/products/{world.Product}")),
        new("GET /api/categories/{id}", _ => Examples.Request("GET", "/api/categories/21")),
        new("GET /api/stores/{id}", _ => Examples.Request("GET", "/api/stores/1")),
        new("GET /api/merchants/{id}", world => Examples.Request("GET", $"/api/merchants/{world.Merchant}")),
        new("PATCH /api/products/{id}", world => Examples.Request("PATCH", $"/api/products/{world.Product}", new { name = "Renamed" })),
        new("PUT /api/products/{id}", world => Examples.Request(
            "PUT", $"/api/products/{world.Product}", new { name = "Renamed", brand = "B", description = "D", price = 1, categoryId = 21, isActive = true, isFeatured = false })),
        new("POST /api/merchants/{id}/import", world => Import(world)),
        new("GET /api/merchants/{id}/imports", world => Examples.Request("GET", $"/api/merchants/{world.Merchant}/imports")),
        new("GET /api/imports/{id}", async (world, _) => Examples.Request("GET", $"/api/imports/{await ImportedAsync(world)}")),
        new("GET /api/imports/{id}/events", async (world, _) => Examples.Request("GET", $"/api/imports/{await ImportedAsync(world)}/events")),
    ];

    private static HttpRequestMessage Import(World world)
    {
        var request = Examples.Request("POST", $"/api/merchants/{world.Merchant}/import");
        request.Headers.Add("Idempotency-Key", "authorisation");
        request.Content = new StringContent("sku,name,brand,price,categoryId\nauthorisation,Thing,Brand,9.50,22\n", Encoding.UTF8, "text/csv");
        return request;
    }

    // The same key with the same file is the same import.
    private static async Task<string> ImportedAsync(World world)
    {
        using var response = await world.As(Role.Merchant).SendAsync(Import(world));
        return (string)System.Text.Json.Nodes.JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!["id"]!;
    }
}
