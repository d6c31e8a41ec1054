using Commons.OpenApi;
using Rez.OpenApi;

namespace Rez.Tests.Http;

public sealed class OtherEndpointsTests(Shop shop)
{
    [Fact]
    public async Task Categories_are_departments_and_what_is_in_them()
    {
        var all = await shop.GetAsync<ListOf<Category>>("/api/categories?limit=500");
        Assert.Equal((400, 400, true), (all.Data.Length, (int)all.Pagination.Total!.Value, all.Pagination.TotalIsExact!.Value));
        Assert.Equal(20, (await shop.GetAsync<ListOf<Category>>("/api/categories?level=department")).Data.Length);
        var fashion = await shop.GetAsync<ListOf<Category>>("/api/categories?parent=2");
        Assert.Equal(19, fashion.Data.Length);
        Assert.All(fashion.Data, category => Assert.Equal(2, category.ParentId));
        Assert.Equal(all.Data[24], (await shop.GetAsync<Item<Category>>("/api/categories/25")).Data);
        Assert.Equal(all.Data.Skip(50).Take(50), (await shop.GetAsync<ListOf<Category>>($"/api/categories?cursor={(await shop.GetAsync<ListOf<Category>>("/api/categories")).Pagination.NextCursor}")).Data);
    }

    [Fact]
    public async Task Stores_come_by_popularity_and_by_merchant()
    {
        var page = await shop.GetAsync<ListOf<Store>>("/api/stores?limit=50");
        Assert.Equal(await shop.IdsAsync("SELECT id FROM stores ORDER BY popularity DESC, id DESC LIMIT 50"), page.Data.Select(store => (long)store.Id));
        Assert.Equal((5000, true), (page.Pagination.Total!.Value, page.Pagination.TotalIsExact!.Value));
        var ofOne = await shop.GetAsync<ListOf<Store>>("/api/stores?merchant=1");
        Assert.NotEmpty(ofOne.Data);
        Assert.All(ofOne.Data, store => Assert.Equal(1, store.MerchantId));
        Assert.Equal(page.Data[3], (await shop.GetAsync<Item<Store>>($"/api/stores/{page.Data[3].Id}")).Data);
    }

    [Fact]
    public async Task Merchants_come_by_id()
    {
        var page = await shop.GetAsync<ListOf<Merchant>>("/api/merchants?limit=5&page=2");
        Assert.Equal([6, 7, 8, 9, 10], page.Data.Select(merchant => merchant.Id));
        Assert.Equal(1200, page.Pagination.Total);
        Assert.Equal(page.Data[0], (await shop.GetAsync<Item<Merchant>>("/api/merchants/6")).Data);
    }

    [Fact]
    public async Task A_product_has_the_wire_format_of_the_guide()
    {
        using var response = await shop.Http.GetAsync("/api/products/123456");
        var body = await response.Content.ReadAsStringAsync();
        Assert.StartsWith("{\"success\":true,\"data\":{\"id\":123456,\"name\":\"", body, StringComparison.Ordinal);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(body.Length, response.Content.Headers.ContentLength);
        Assert.EndsWith($"\"version\":{response.Headers.ETag?.Tag.Trim('"')},\"images\":[]}}}}", body, StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Server"));
        Assert.Matches("\"price\":[0-9]+\\.[0-9]{2},", body);
        Assert.Matches("\"createdAt\":\"[0-9-]{10}T[0-9:]{8}Z\"", body);
    }

    [Fact]
    public async Task Metrics_count_requests_by_route()
    {
        await shop.GetAsync<Item<Merchant>>("/api/merchants/1");
        var text = await shop.Http.GetStringAsync("/metrics");
        Assert.Contains("http_requests_total{method=\"GET\",route=\"/api/merchants/{id}\",status=\"2xx\"}", text, StringComparison.Ordinal);
        Assert.DoesNotContain("/api/merchants/1", text, StringComparison.Ordinal);
    }
}
