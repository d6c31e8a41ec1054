namespace Rez.Tests.Products;

public sealed class ListProductsTests(Shop shop)
{
    [Fact]
    public async Task The_first_page_shows_the_newest_products_and_how_many_there_are()
    {
        var page = await shop.ProductsAsync("?page=1&limit=20");

        Assert.True(page.Success);
        Assert.Equal(await shop.IdsAsync("SELECT id FROM products WHERE is_active ORDER BY created_at DESC, id DESC LIMIT 20"), page.Data.Select(product => product.Id));
        Assert.Equal((1, 20, true), (page.Pagination.Page!.Value, page.Pagination.Limit, page.Pagination.HasMore));
        Assert.Equal((await shop.ScalarAsync<long>("SELECT count(*) FROM products WHERE is_active"), true), (page.Pagination.Total!.Value, page.Pagination.TotalIsExact!.Value));
        Assert.Equal((page.Pagination.Total + 19) / 20, page.Pagination.TotalPages);
    }

    [Fact]
    public async Task Without_parameters_it_is_page_1_of_20()
    {
        var page = await shop.ProductsAsync("");
        Assert.Equal((1, 20, 20), (page.Pagination.Page, page.Pagination.Limit, page.Data.Length));
    }

    [Fact]
    public async Task Pages_by_number_follow_each_other()
    {
        var first = await shop.ProductsAsync("?page=1&limit=30");
        var halves = (await shop.ProductsAsync("?page=1&limit=15")).Data.Concat((await shop.ProductsAsync("?page=2&limit=15")).Data);
        Assert.Equal(first.Data.Select(product => product.Id), halves.Select(product => product.Id));
    }

    [Fact]
    public async Task A_page_beyond_the_end_is_empty_and_still_says_the_total()
    {
        var page = await shop.ProductsAsync("?merchant=1200&page=90&limit=100");
        Assert.Empty(page.Data);
        Assert.False(page.Pagination.HasMore);
        Assert.Equal(await shop.ScalarAsync<long>("SELECT count(*) FROM products WHERE is_active AND merchant_id = 1200"), page.Pagination.Total);
    }

    [Theory]
    [InlineData("newest", "created_at DESC, id DESC")]
    [InlineData("popular", "popularity DESC, id DESC")]
    [InlineData("rating", "rating_tenths DESC, review_count DESC, id DESC")]
    [InlineData("price-asc", "price_cents, id")]
    [InlineData("price-desc", "price_cents DESC, id DESC")]
    public async Task Each_sort_is_the_order_it_says(string sort, string order)
    {
        var page = await shop.ProductsAsync($"?sort={sort}&limit=100");
        Assert.Equal(await shop.IdsAsync($"SELECT id FROM products WHERE is_active ORDER BY {order} LIMIT 100"), page.Data.Select(product => product.Id));
    }

    [Theory]
    [InlineData("category=electronics", "department_id = 1")]
    [InlineData("category=headphones", "category_id = 21")]
    [InlineData("category=21", "category_id = 21")]
    [InlineData("minPrice=20.50", "price_cents >= 2050")]
    [InlineData("maxPrice=30", "price_cents <= 3000")]
    [InlineData("minPrice=20&maxPrice=20.99", "price_cents BETWEEN 2000 AND 2099")]
    [InlineData("rating=4.5", "rating_tenths >= 45")]
    [InlineData("merchant=3", "merchant_id = 3")]
    [InlineData("store=7", "store_id = 7")]
    [InlineData("category=fashion&minPrice=50&maxPrice=100&rating=4&sort=price-asc", "department_id = 2 AND price_cents BETWEEN 5000 AND 10000 AND rating_tenths >= 40")]
    [InlineData("category=fashion&merchant=1", "department_id = 2 AND merchant_id = 1")]
    public async Task Each_filter_finds_what_SQL_finds(string query, string condition)
    {
        var expected = await shop.IdsAsync($"SELECT id FROM products WHERE is_active AND {condition} ORDER BY id");
        Assert.NotEmpty(expected);
        Assert.Equal(expected, (await shop.WalkAsync("&" + query)).Select(product => product.Id).Order());

        var total = (await shop.ProductsAsync("?" + query)).Pagination;
        Assert.Equal(total.TotalIsExact!.Value ? expected.Count : 1000, total.Total);
        Assert.True(total.TotalIsExact.Value || expected.Count >= 1000);
    }

    [Fact]
    public async Task Featured_products_come_by_popularity()
    {
        var expected = await shop.IdsAsync("SELECT id FROM products WHERE is_active AND is_featured ORDER BY popularity DESC, id DESC LIMIT 10");
        Assert.Equal(expected, (await shop.ProductsAsync("/featured")).Data.Select(product => product.Id));
        Assert.All((await shop.ProductsAsync("/featured?limit=50")).Data, product => Assert.True(product.IsFeatured));
    }
}
