using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Commons.Accounts;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Products;

namespace Rez.Tests.Products;

/// <summary>Products that merchants make, list and take away.</summary>
public sealed class MerchantsProductsTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_product_is_in_the_catalogue_when_the_answer_comes()
    {
        var (merchant, store) = await PlaceAsync(501);
        using var staff = await shop.LogIn(Access.Merchant, merchant);
        using var response = await CreateAsync(staff, merchant, New("fresh-1", name: "Xylographic Quince Press", storeId: store, stock: 7));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("\"1\"", response.Headers.ETag!.ToString());
        var made = (await response.Content.ReadFromJsonAsync(RezJson.Default.ItemProduct, Cancel))!.Data;
        Assert.Equal($"/api/products/{made.Id}", response.Headers.Location!.ToString());
        Assert.Equal(("Xylographic Quince Press", 19.99m, merchant, store, 1, true), (made.Name, made.Price, made.MerchantId, made.Store.Id, made.Version, made.IsActive));
        Assert.Equal(made, await shop.ProductAsync(made.Id));
        Assert.Equal([made], (await shop.ProductsAsync("/search?q=xylographic")).Data);
        Assert.Equal(made, (await shop.ProductsAsync("?limit=1")).Data[0]);
        Assert.Equal(7, await shop.ScalarAsync<int>($"SELECT available FROM stock WHERE product_id = {made.Id}"));
        Assert.Equal(1, await shop.ScalarAsync<int>($"SELECT published FROM merchant_products WHERE id = {made.Id}"));

        using var changed = await staff.Http.PatchAsJsonAsync($"/api/products/{made.Id}", new { price = 21 }, Cancel);
        Assert.Equal((HttpStatusCode.OK, "\"2\""), (changed.StatusCode, changed.Headers.ETag!.ToString()));
    }

    [Fact]
    public async Task The_same_sku_again_is_a_409_that_says_where_the_product_is()
    {
        var (merchant, _) = await PlaceAsync(502);
        using var staff = await shop.LogIn(Access.Merchant, merchant);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => CreateAsync(staff, merchant, New("same-sku"))));
        var made = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        foreach (var other in answers.Where(answer => answer != made))
        {
            Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
            Assert.Equal(made.Headers.Location, other.Headers.Location);
        }

        // Another merchant's own keys are others.
        var (another, _) = await PlaceAsync(503, not: merchant);
        using var admin = await shop.LogIn(Access.Admin);
        Assert.Equal(HttpStatusCode.Created, (await CreateAsync(admin, another, New("same-sku"))).StatusCode);
    }

    [Theory]
    [InlineData("""{"name":"A","brand":"B","price":1,"categoryId":22}""", "sku")]
    [InlineData("""{"sku":" x","name":"A","brand":"B","price":1,"categoryId":22}""", "sku")]
    [InlineData("""{"sku":"x1","brand":"B","price":1,"categoryId":22}""", "name")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":0,"categoryId":22}""", "price")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":1,"categoryId":9999}""", "categoryId")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":1,"categoryId":22,"storeId":99999}""", "storeId")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":1,"categoryId":22,"stock":-1}""", "stock")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":1,"categoryId":22,"stock":null}""", "stock")]
    [InlineData("""{"sku":"x1","name":"A","brand":"B","price":1,"categoryId":22,"colour":"red"}""", "colour")]
    public async Task A_wrong_product_is_a_400_that_names_the_field_and_makes_nothing(string body, string field)
    {
        var (merchant, _) = await PlaceAsync(504);
        using var staff = await shop.LogIn(Access.Merchant, merchant);
        using var response = await staff.Http.PostAsync($"/api/merchants/{merchant}/products", new StringContent(body, null, "application/json"), Cancel);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, problem.ToString());
        Assert.Equal([field], problem.GetProperty("errors").EnumerateObject().Select(error => error.Name));
        Assert.Equal(0L, await shop.ScalarAsync<long>($"SELECT count(*) FROM merchant_products WHERE merchant_id = {merchant} AND sku IN ('x1', ' x')"));
    }

    [Fact]
    public async Task A_merchant_s_list_has_all_of_its_products_newest_first_and_nobody_else_s()
    {
        var (merchant, _) = await PlaceAsync(505);
        using var staff = await shop.LogIn(Access.Merchant, merchant);
        using var made = await CreateAsync(staff, merchant, New("listed", isActive: false));
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);

        var all = new List<OwnProduct>();
        for (var cursor = ""; ;)
        {
            var page = await ListAsync(staff, merchant, "?limit=7" + cursor);
            all.AddRange(page.Data);
            if (page.Pagination.NextCursor is not { } next)
            {
                Assert.False(page.Pagination.HasMore);
                break;
            }

            cursor = "&cursor=" + next;
        }

        Assert.Equal(await shop.IdsAsync($"SELECT id FROM merchant_products WHERE merchant_id = {merchant} ORDER BY created_at DESC, id DESC"), all.Select(product => product.Id));
        Assert.Equal(("listed", false, true), (all[0].Sku, all[0].IsActive, all[0].IsPublished));
        Assert.Equal(all[0].Id, Assert.Single((await ListAsync(staff, merchant, "?sku=listed")).Data).Id);
        Assert.Empty((await ListAsync(staff, merchant, "?sku=nothing")).Data);
        Assert.Equal(HttpStatusCode.BadRequest, (await staff.Http.GetAsync($"/api/merchants/{merchant}/products?cursor=x", Cancel)).StatusCode);
    }

    [Fact]
    public async Task What_is_deleted_is_inactive_and_comes_back()
    {
        var (merchant, _) = await PlaceAsync(506);
        using var staff = await shop.LogIn(Access.Merchant, merchant);
        using var made = await CreateAsync(staff, merchant, New("leaves"));
        var path = made.Headers.Location!.ToString();
        Assert.Equal(HttpStatusCode.NoContent, (await staff.Http.DeleteAsync(path, Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await shop.Http.GetAsync(path, Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await staff.Http.DeleteAsync(path, Cancel)).StatusCode);
        Assert.Equal(2, Assert.Single((await ListAsync(staff, merchant, "?sku=leaves")).Data).Version);
        Assert.Equal(HttpStatusCode.OK, (await staff.Http.PatchAsJsonAsync(path, new { isActive = true }, Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await shop.Http.GetAsync(path, Cancel)).StatusCode);
    }

    [Fact]
    public async Task Another_merchant_s_products_are_not_there()
    {
        var (merchant, _) = await PlaceAsync(507);
        var (other, _) = await PlaceAsync(508, not: merchant);
        using var stranger = await shop.LogIn(Access.Merchant, other);
        using var customer = await shop.LogIn(Access.Customer);
        foreach (var (who, status) in ((HttpClient, HttpStatusCode)[])[(shop.Http, HttpStatusCode.Unauthorized), (customer.Http, HttpStatusCode.Forbidden), (stranger.Http, HttpStatusCode.NotFound)])
        {
            Assert.Equal(status, (await who.PostAsJsonAsync($"/api/merchants/{merchant}/products", New("stolen"), Cancel)).StatusCode);
            Assert.Equal(status, (await who.GetAsync($"/api/merchants/{merchant}/products", Cancel)).StatusCode);
            Assert.Equal(status, (await who.DeleteAsync("/api/products/507", Cancel)).StatusCode);
        }

        using var admin = await shop.LogIn(Access.Admin);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.Http.PostAsJsonAsync("/api/merchants/999999/products", New("nobody"), Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await admin.Http.GetAsync($"/api/merchants/{merchant}/products", Cancel)).StatusCode);
    }

    private static object New(string sku, string name = "A thing", int? storeId = null, int? stock = null, bool isActive = true)
    {
        var fields = new Dictionary<string, object> { ["sku"] = sku, ["name"] = name, ["brand"] = "Brandless", ["price"] = 19.99, ["categoryId"] = 22, ["isActive"] = isActive };
        if (storeId is { } store)
        {
            fields["storeId"] = store;
        }

        if (stock is { } units)
        {
            fields["stock"] = units;
        }

        return fields;
    }

    private static Task<HttpResponseMessage> CreateAsync(Login by, int merchant, object product) => by.Http.PostAsJsonAsync($"/api/merchants/{merchant}/products", product, Cancel);

    private static async Task<ListOf<OwnProduct>> ListAsync(Login by, int merchant, string query) =>
        (await by.Http.GetFromJsonAsync($"/api/merchants/{merchant}/products{query}", ProductsJson.Default.ListOfOwnProduct, Cancel))!;

    /// <summary>The merchant and the store of a product.</summary>
    private async Task<(int Merchant, int Store)> PlaceAsync(long product, int not = 0)
    {
        var id = await shop.ScalarAsync<long>($"SELECT id FROM products WHERE id >= {product} AND merchant_id <> {not} ORDER BY id LIMIT 1");
        return (await shop.ScalarAsync<int>($"SELECT merchant_id FROM products WHERE id = {id}"), await shop.ScalarAsync<int>($"SELECT store_id FROM products WHERE id = {id}"));
    }
}
