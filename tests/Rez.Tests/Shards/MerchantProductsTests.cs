using System.Net;
using System.Net.Http.Json;
using Commons.Accounts;
using Commons.Audit;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Products;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Shards;

/// <summary>Products by merchant, and the catalogue that follows them.</summary>
[Collection(nameof(Estate))]
public sealed class MerchantProductsTests(Estate estate)
{
    private const int Half = GrowthTests.First / 2;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_product_is_at_the_database_of_its_merchant_and_nowhere_else()
    {
        var counts = await estate.CountAsync("SELECT count(*) FROM merchant_products");
        Assert.Equal(Estate.Products, counts.Sum());
        Assert.True(counts.Count(count => count > 0) > 1);
        var store = estate.Store;
        foreach (var merchant in estate.Dataset.Merchants)
        {
            var expected = Enumerable.Range(0, Estate.Products).Select(estate.Dataset.Product).Where(product => product.MerchantId == merchant.Id).OrderByDescending(product => product.CreatedAt).ThenByDescending(product => product.Id).Select(product => product.Id).ToList();
            Assert.Equal(expected, (await estate.MerchantProducts.ListAsync(merchant.Id, null, 1_000, null, Cancel)).Select(product => product.Id));
            var shard = store.Shard(merchant.Id);
            Assert.Equal(
                (long)expected.Count,
                await estate.ScalarAsync(shard.Database, $"SELECT count(*) FROM merchant_products WHERE bucket_id = {shard.Bucket} AND merchant_id = {merchant.Id}"));
        }

        // The catalogue is whole, and at home only.
        Assert.Equal(new long[] { Estate.Products, 0, 0 }, await estate.CountAsync("SELECT count(*) FROM products"));
    }

    [Fact]
    public async Task A_merchant_s_list_goes_on_after_its_last_product()
    {
        var merchant = estate.Dataset.Product(0).MerchantId;
        var all = await estate.MerchantProducts.ListAsync(merchant, null, 1_000, null, Cancel);
        var paged = new List<MerchantProduct>();
        while (await estate.MerchantProducts.ListAsync(merchant, paged.Count == 0 ? null : (paged[^1].CreatedAt, paged[^1].Id), 2, null, Cancel) is { Count: > 0 } page)
        {
            paged.AddRange(page);
        }

        Assert.Equal(all, paged);
    }

    [Fact]
    public async Task A_change_is_made_at_the_merchant_s_database_and_shown_in_the_catalogue()
    {
        var first = Enumerable.Range(0, Half).Select(estate.Dataset.Product).GroupBy(product => estate.Store.Shard(product.MerchantId).Database).Select(products => (products.Key, products.First())).ToList();
        Assert.True(first.Count > 1);
        foreach (var (database, product) in first)
        {
            using var response = await estate.Admin.PatchAsJsonAsync($"/api/products/{product.Id}", new { name = $"Renamed {database}", price = 12.34 });
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("\"2\"", response.Headers.ETag!.ToString());

            var kept = (await estate.MerchantProducts.FindAsync(product.MerchantId, product.Id, null, Cancel))!;
            Assert.Equal(($"Renamed {database}", 1234, 2, product.Brand), (kept.Name, kept.PriceCents, kept.Version, kept.Brand));
            var shown = (await estate.Http.GetFromJsonAsync($"/api/products/{product.Id}", RezJson.Default.ItemProduct, Cancel))!.Data;
            Assert.Equal(($"Renamed {database}", 12.34m, 2), (shown.Name, shown.Price, shown.Version));
            Assert.Equal(kept.UpdatedAt, shown.UpdatedAt.UtcDateTime, TimeSpan.FromSeconds(1));
            Assert.Equal(2, await estate.ScalarAsync(database, $"SELECT published FROM merchant_products WHERE bucket_id = {estate.Store.Shard(product.MerchantId).Bucket} AND id = {product.Id}"));
        }
    }

    [Fact]
    public async Task A_change_that_did_not_reach_the_catalogue_is_published_later_and_only_once()
    {
        // As if the instance had died between the two commits.
        var product = AwayFromHome(1);
        var changed = (await estate.MerchantProducts.ChangeAsync(product.MerchantId, product.Id, new ProductChange { Name = "Late" }, null, new Actor(new ShardId(1), Access.Admin, null, "test"), null, Cancel))!;
        Assert.NotEqual("Late", await estate.ScalarAsync(0, $"SELECT name FROM products WHERE id = {product.Id}"));

        await estate.Publisher.PublishAsync(TimeSpan.Zero, Cancel); // or the app's own, which looks every 5 s
        Assert.Equal("Late", await estate.ScalarAsync(0, $"SELECT name FROM products WHERE id = {product.Id}"));
        Assert.Equal(changed.Version, await estate.ScalarAsync(0, $"SELECT version FROM products WHERE id = {product.Id}"));
        Assert.Equal(0, await estate.Publisher.PublishAsync(TimeSpan.Zero, Cancel));
    }

    [Fact]
    public async Task An_older_version_does_not_replace_a_newer_one_in_the_catalogue()
    {
        var product = AwayFromHome(2);
        var first = (await estate.MerchantProducts.ChangeAsync(product.MerchantId, product.Id, new ProductChange { Name = "First" }, null, new Actor(new ShardId(1), Access.Admin, null, "test"), null, Cancel))!;
        using (var response = await estate.Admin.PatchAsJsonAsync($"/api/products/{product.Id}", new { name = "Second" }))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        using var reply = new Commons.Http.Reply();
        Assert.Equal(first.Version + 1, await new Catalogue(estate.Store.Home).PublishAsync(first, reply, null, Cancel));
        Assert.Equal("Second", await estate.ScalarAsync(0, $"SELECT name FROM products WHERE id = {product.Id}"));
    }

    [Fact]
    public async Task A_change_to_another_version_than_the_merchant_has_is_refused()
    {
        var product = AwayFromHome(3);
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/api/products/{product.Id}") { Content = JsonContent.Create(new { name = "X" }) };
        request.Headers.TryAddWithoutValidation("If-Match", "\"7\"");
        using var response = await estate.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.PreconditionFailed, response.StatusCode);
        Assert.Contains("at version 1 now, not at 7", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // Each test changes another one. Which are where depends on whether rez has grown before.
    private Rez.Seed.ProductRow AwayFromHome(int which) => Enumerable.Range(Half, Half).Select(estate.Dataset.Product).Where(product => estate.Store.Shard(product.MerchantId).Database != 0).Skip(which).First();
}
