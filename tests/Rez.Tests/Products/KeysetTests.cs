using System.Buffers.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Rez.Tests.Products;

public sealed class KeysetTests(Shop shop)
{
    [Theory]
    [InlineData("newest")]
    [InlineData("popular")]
    [InlineData("rating")]
    [InlineData("price-asc")]
    [InlineData("price-desc")]
    public async Task A_walk_by_cursor_meets_every_product_once(string sort)
    {
        var seen = await shop.WalkAsync($"&sort={sort}");
        Assert.Equal(await shop.IdsAsync("SELECT id FROM products WHERE is_active ORDER BY id"), seen.Select(product => product.Id).Order());
    }

    [Fact]
    public async Task A_walk_by_newest_meets_every_product_once_while_they_change()
    {
        var ids = await shop.IdsAsync("SELECT id FROM products WHERE is_active ORDER BY id");
        var turn = 0;
        var seen = await shop.WalkAsync("&sort=newest&category=electronics", limit: 50, async () =>
        {
            // Before and behind the cursor: price, rating order and row versions move, the walked order does not.
            foreach (var id in new[] { ids[turn * 37 % ids.Count], ids[^(1 + (turn * 53 % ids.Count))] })
            {
                using var changed = await shop.PatchAsync(id, new { price = 10 + (turn % 90) });
                changed.EnsureSuccessStatusCode();
            }

            turn++;
        });
        Assert.True(turn > 20);
        Assert.Equal(await shop.IdsAsync("SELECT id FROM products WHERE is_active AND department_id = 1 ORDER BY id"), seen.Select(product => product.Id).Order());
    }

    [Fact]
    public async Task A_cursor_of_another_query_is_refused()
    {
        var cursor = (await shop.ProductsAsync("?sort=rating")).Pagination.NextCursor;
        Assert.Equal(200, await StatusAsync($"?sort=rating&cursor={cursor}"));
        Assert.Equal(400, await StatusAsync($"?sort=newest&cursor={cursor}"));
        Assert.Equal(400, await StatusAsync($"?sort=rating&category=fashion&cursor={cursor}"));
        Assert.Equal(400, await StatusAsync($"?sort=rating&page=2&cursor={cursor}"));
    }

    [Fact]
    public void A_cursor_made_up_by_a_client_never_breaks_the_server()
    {
        string[] sorts = ["newest", "popular", "rating", "price-asc"];
        var genuine = sorts.ToDictionary(sort => sort, sort => shop.ProductsAsync($"?sort={sort}").GetAwaiter().GetResult().Pagination.NextCursor!);
        var keys = Gen.ArrayOf(Gen.Choose(0, 255).Select(b => (byte)b), 24);
        Prop.ForAll(Arb.From(keys), Arb.From(Gen.Elements(sorts)), (bytes, sort) =>
        {
            // The query's hash is kept, so that the rest is believed.
            var cursor = Base64Url.DecodeFromChars(genuine[sort]);
            bytes.CopyTo(cursor, 4);
            return StatusAsync($"?sort={sort}&cursor={Base64Url.EncodeToString(cursor)}").GetAwaiter().GetResult() == 200;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private async Task<int> StatusAsync(string query)
    {
        using var response = await shop.Http.GetAsync("/api/products" + query);
        return (int)response.StatusCode;
    }
}
