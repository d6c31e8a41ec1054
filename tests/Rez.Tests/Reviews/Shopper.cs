using System.Net.Http.Json;
using Commons.Accounts;
using Commons.OpenApi;
using Rez.Reviews;

namespace Rez.Tests.Reviews;

/// <summary>Somebody who buys and reviews.</summary>
internal sealed class Shopper(Shop shop, Login login) : IDisposable
{
    public static async Task<Shopper> NewAsync(Shop shop, Access role = Access.Customer, long? actsFor = null) => new(shop, await shop.LogIn(role, actsFor));

    public HttpClient Http => login.Http;

    /// <summary>An order of one product, as if it had been placed and moved on.</summary>
    public async Task<long> OrderAsync(long product, string status = "paid")
    {
        var user = login.Identity.User;
        var order = shop.Service<Tenfold.Postgres.Shards.ShardedStore>().NewId(user).Value;
        await shop.ExecuteAsync(
            $"""
            INSERT INTO orders (bucket_id, id, user_id, status, total_cents, ship_to, expires_at) VALUES ({user.Bucket}, {order}, {user}, '{status}', 100, 'Here', now() + interval '1 day');
            INSERT INTO order_lines (bucket_id, order_id, product_id, merchant_id, quantity, price_cents, name) SELECT {user.Bucket}, {order}, id, merchant_id, 1, 100, name FROM products WHERE id = {product}
            """);
        return order;
    }

    public Task<HttpResponseMessage> ReviewAsync(long product, object review) => Http.PostAsJsonAsync($"/api/products/{product}/reviews", review);

    /// <summary>A review that is taken.</summary>
    public async Task<ReviewShown> ReviewedAsync(long product, int rating, string body = "Good.")
    {
        using var response = await ReviewAsync(product, new { rating, body });
        return await ReadAsync(response, 201);
    }

    public async Task<ReviewShown> ChangedAsync(string id, object change)
    {
        using var response = await Http.PatchAsJsonAsync($"/api/reviews/{id}", change);
        return await ReadAsync(response, 200);
    }

    public static async Task<ReviewShown> ReadAsync(HttpResponseMessage response, int status)
    {
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync(ReviewsJson.Default.ItemReviewShown))!.Data;
    }

    public void Dispose() => login.Dispose();
}
