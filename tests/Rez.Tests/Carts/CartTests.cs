using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Commons.Accounts;
using Rez.Carts;
using Rez.Tests.Orders;

namespace Rez.Tests.Carts;

public sealed class CartTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cart_shows_the_prices_and_the_stock_of_now()
    {
        var buyer = await shop.LogIn(Access.Customer);
        await PutAsync(buyer.Http, 3101, 2);
        await PutAsync(buyer.Http, 3102, 3);
        await PutAsync(buyer.Http, 3103, 1);
        var price = (await shop.ProductAsync(3101)).Price;
        var cart = await CartAsync(buyer.Http);
        Assert.Equal(price, Line(cart, 3101).GetProperty("price").GetDecimal());
        Assert.True(cart.GetProperty("canBeOrdered").GetBoolean());
        Assert.Equal(cart.GetProperty("items").EnumerateArray().Sum(line => line.GetProperty("price").GetDecimal() * line.GetProperty("quantity").GetInt32()), cart.GetProperty("total").GetDecimal());

        await shop.ScalarAsync<int>("UPDATE merchant_products SET price_cents = 777 WHERE id = 3101 RETURNING price_cents");
        await shop.ScalarAsync<int>("UPDATE stock SET available = 2, received = 2 + reserved + sold WHERE product_id = 3102 RETURNING available");
        await shop.ScalarAsync<bool>("UPDATE merchant_products SET is_active = false WHERE id = 3103 RETURNING is_active");
        cart = await CartAsync(buyer.Http);
        Assert.Equal((7.77m, "available"), (Line(cart, 3101).GetProperty("price").GetDecimal(), State(cart, 3101)));
        Assert.Equal(("short", 2), (State(cart, 3102), Line(cart, 3102).GetProperty("available").GetInt32()));
        Assert.Equal("inactive", State(cart, 3103));
        Assert.False(cart.GetProperty("canBeOrdered").GetBoolean());
        await shop.ScalarAsync<int>("UPDATE stock SET available = 0, received = reserved + sold WHERE product_id = 3102 RETURNING available");
        Assert.Equal("soldOut", State(await CartAsync(buyer.Http), 3102));
        await shop.ScalarAsync<int>($"UPDATE merchant_products SET price_cents = {(int)(price * 100)} WHERE id = 3101 RETURNING price_cents");
        await shop.ScalarAsync<bool>("UPDATE merchant_products SET is_active = true WHERE id = 3103 RETURNING is_active");
    }

    [Fact]
    public async Task A_guest_s_cart_becomes_the_user_s_when_it_is_asked_for_after_the_login()
    {
        using var browser = new HttpClient { BaseAddress = shop.Http.BaseAddress };
        Assert.Empty((await CartAsync(browser)).GetProperty("items").EnumerateArray());
        await PutAsync(browser, 3111, 2);
        await PutAsync(browser, 3112, 5);
        Assert.Equal([(3111, 2), (3112, 5)], Items(await CartAsync(browser)));
        using var other = new HttpClient { BaseAddress = shop.Http.BaseAddress };
        Assert.Empty(Items(await CartAsync(other)));

        var buyer = await shop.LogIn(Access.Customer);
        await PutAsync(buyer.Http, 3112, 1);
        await PutAsync(buyer.Http, 3113, 4);
        browser.DefaultRequestHeaders.Authorization = buyer.Http.DefaultRequestHeaders.Authorization;
        Assert.Equal([(3111, 2), (3112, 5), (3113, 4)], Items(await CartAsync(browser)));
        Assert.Equal([(3111, 2), (3112, 5), (3113, 4)], Items(await CartAsync(buyer.Http)));
        browser.DefaultRequestHeaders.Authorization = null;
        Assert.Empty(Items(await CartAsync(browser)));
    }

    [Fact]
    public async Task What_is_in_the_cart_is_ordered_and_is_then_no_longer_in_it()
    {
        var buyer = await shop.LogIn(Access.Customer);
        using (var empty = await buyer.Http.OrderAsync(Buyers.NewKey(), new { shipTo = "Ada" }))
        {
            Assert.Equal(HttpStatusCode.Conflict, empty.StatusCode);
        }

        await PutAsync(buyer.Http, 3121, 2);
        await PutAsync(buyer.Http, 3122, 1);
        using (var removed = await buyer.Http.DeleteAsync("/api/cart/items/3122"))
        {
            Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
        }

        using var ordered = await buyer.Http.OrderAsync(Buyers.NewKey(), new { shipTo = "Ada" });
        Assert.Equal([(3121, 2)], (await ordered.DataAsync(201)).GetProperty("lines").EnumerateArray().Select(line => (line.GetProperty("productId").GetInt32(), line.GetProperty("quantity").GetInt32())));
        Assert.Empty(Items(await CartAsync(buyer.Http)));
    }

    [Fact]
    public async Task A_full_cart_takes_no_other_product_not_even_by_a_merge()
    {
        var carts = shop.Service<CartTable>();
        var (user, guest) = (CartOwner.Of((await shop.LogIn(Access.Customer)).Identity.User), new CartOwner(7, -7));
        for (var product = 1; product < CartTable.Most; product++)
        {
            Assert.True(await carts.SetAsync(user, product, 1, null, Cancel));
        }

        foreach (var product in new[] { 1, CartTable.Most, CartTable.Most + 1 })
        {
            await carts.SetAsync(guest, product, 2, null, Cancel);
        }

        await carts.MergeAsync(guest, user, null, Cancel);
        var merged = await carts.ListAsync(user, null, Cancel);
        Assert.Equal((CartTable.Most, 2), (merged.Count, merged[0].Quantity));
        Assert.Empty(await carts.ListAsync(guest, null, Cancel));
        Assert.False(await carts.SetAsync(user, 5_000, 1, null, Cancel));
        Assert.True(await carts.SetAsync(user, 1, 3, null, Cancel));
    }

    [Fact]
    public async Task What_guests_left_behind_a_month_ago_is_removed_and_nothing_else()
    {
        var carts = shop.Service<CartTable>();
        var (user, guest) = (CartOwner.Of((await shop.LogIn(Access.Customer)).Identity.User), new CartOwner(8, -8));
        foreach (var owner in new[] { user, guest })
        {
            await carts.SetAsync(owner, 1, 1, null, Cancel);
            await carts.SetAsync(owner, 2, 1, null, Cancel);
            await shop.ScalarAsync<long>($"UPDATE cart_items SET added_at = now() - interval '31 days' WHERE user_id = {owner.Id} AND product_id = 1 RETURNING product_id");
        }

        await carts.SweepAsync(CartTable.GuestsKept, Cancel);
        Assert.Equal([2L], (await carts.ListAsync(guest, null, Cancel)).Select(item => item.ProductId));
        Assert.Equal(2, (await carts.ListAsync(user, null, Cancel)).Count);
    }

    [Theory]
    [InlineData(1, 0, HttpStatusCode.BadRequest)]
    [InlineData(1, 100, HttpStatusCode.BadRequest)]
    [InlineData(99_999_999, 1, HttpStatusCode.NotFound)]
    public async Task What_cannot_be_put_into_a_cart_is_refused(long product, int quantity, HttpStatusCode status)
    {
        using var response = await shop.Http.PutAsJsonAsync($"/api/cart/items/{product}", new { quantity }, Cancel);
        Assert.Equal(status, response.StatusCode);
    }

    private static async Task PutAsync(HttpClient http, long product, int quantity)
    {
        using var response = await http.PutAsJsonAsync($"/api/cart/items/{product}", new { quantity }, Cancel);
        await response.DataAsync();
    }

    private static async Task<JsonElement> CartAsync(HttpClient http)
    {
        using var response = await http.GetAsync("/api/cart", Cancel);
        return await response.DataAsync();
    }

    private static JsonElement Line(JsonElement cart, long product) => cart.GetProperty("items").EnumerateArray().Single(line => line.GetProperty("productId").GetInt64() == product);

    private static string State(JsonElement cart, long product) => Line(cart, product).GetProperty("state").GetString()!;

    private static IEnumerable<(int Product, int Quantity)> Items(JsonElement cart) =>
        cart.GetProperty("items").EnumerateArray().Select(line => (line.GetProperty("productId").GetInt32(), line.GetProperty("quantity").GetInt32()));
}
