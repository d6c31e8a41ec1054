using System.Net.Http.Json;
using System.Text.Json;

namespace Rez.Tests.Orders;

/// <summary>What tests of orders do over and over.</summary>
internal static class Buyers
{
    public static async Task<HttpResponseMessage> OrderAsync(this HttpClient http, string key, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/orders") { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", key);
        return await http.SendAsync(request);
    }

    public static Task<HttpResponseMessage> OrderAsync(this HttpClient http, params (long ProductId, int Quantity)[] items) => http.OrderAsync(NewKey(), Body(items));

    /// <summary>The order that was placed.</summary>
    public static async Task<JsonElement> PlaceAsync(this HttpClient http, params (long ProductId, int Quantity)[] items)
    {
        using var response = await http.OrderAsync(items);
        return await response.DataAsync(201);
    }

    public static object Body(params (long ProductId, int Quantity)[] items) =>
        new { items = items.Select(item => new { productId = item.ProductId, quantity = item.Quantity }), shipTo = "Ada Lovelace\n1 Main St, Springfield" };

    public static string NewKey() => Guid.NewGuid().ToString();

    /// <summary>The answer's data, or a failure that shows what came instead.</summary>
    public static async Task<JsonElement> DataAsync(this HttpResponseMessage response, int status = 200)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.GetProperty("data");
    }

    public static string Id(this JsonElement item) => item.GetProperty("id").GetString()!;

    public static string Status(this JsonElement item) => item.GetProperty("status").GetString()!;
}
