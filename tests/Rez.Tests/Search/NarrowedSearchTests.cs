using Commons.Http;
using Rez.OpenApi;
using Rez.Search;

namespace Rez.Tests.Search;

/// <summary>Filters, facets, and walks by cursor.</summary>
public sealed class NarrowedSearchTests(Shop shop)
{
    [Theory]
    [InlineData("electronics", "")]
    [InlineData("wireless", "&rating=3")]
    [InlineData("wireless keyboard", "")]
    [InlineData("made", "&category=fashion&maxPrice=40")]
    [InlineData("hedphones", "")]
    [InlineData("hedphones", "&minPrice=100")]
    public async Task A_walk_by_cursor_meets_what_pages_by_number_do(string q, string filters)
    {
        var path = $"/search?q={Uri.EscapeDataString(q)}&limit=45{filters}";
        var (paged, walked) = (new List<long>(), new List<long>());
        for (var page = 1; page <= 22; page++)
        {
            var answer = await shop.ProductsAsync($"{path}&page={page}");
            paged.AddRange(answer.Data.Select(product => product.Id));
            if (!answer.Pagination.HasMore)
            {
                break;
            }
        }

        for (var cursor = ""; ;)
        {
            var answer = await shop.ProductsAsync(path + cursor);
            walked.AddRange(answer.Data.Select(product => product.Id));
            if (answer.Pagination.NextCursor is not { } next)
            {
                break;
            }

            cursor = "&cursor=" + next;
        }

        Assert.NotEmpty(walked);
        Assert.Equal(walked.Count, walked.Distinct().Count());
        Assert.Equal(paged, walked.Take(paged.Count));
        Assert.InRange(walked.Count, paged.Count, ProductSearch.Most + 44);
    }

    [Theory]
    [InlineData(700)]
    [InlineData(5_000)]
    public async Task A_walk_by_cursor_agrees_where_popularity_gives_way_to_the_index(int longestWalk)
    {
        var search = new ProductSearch { WalkFrom = 100, LongestWalk = longestWalk };
        var whole = await FindAsync(new ProductSearch { WalkFrom = int.MaxValue }, new SearchRequest("wireless", 999));
        var walked = new List<long>();
        for (SearchCursor? after = null; ;)
        {
            await using var connection = await shop.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
            using var reply = new Reply();
            var page = await search.FindAsync(connection, reply, new SearchRequest("wireless", 37) { After = after }, TestContext.Current.CancellationToken);
            walked.AddRange(page.Ids);
            if (page.Next is null)
            {
                break;
            }

            after = page.Next;
        }

        Assert.True(whole.Count > 200);
        Assert.Equal(whole, walked.Take(whole.Count));

        async Task<List<long>> FindAsync(ProductSearch with, SearchRequest request)
        {
            await using var connection = await shop.Database.OpenConnectionAsync();
            using var reply = new Reply();
            return (await with.FindAsync(connection, reply, request, CancellationToken.None)).Ids;
        }
    }

    [Fact]
    public async Task A_cursor_belongs_to_its_search()
    {
        var cursor = (await shop.ProductsAsync("/search?q=wireless")).Pagination.NextCursor;
        foreach (var other in new[] { $"q=cordless&cursor={cursor}", $"q=wireless&rating=1&cursor={cursor}", $"q=wireless&page=2&cursor={cursor}", "q=wireless&cursor=abc", "q=wireless&cursor=" + new string('A', 48) })
        {
            using var response = await shop.Http.GetAsync("/api/products/search?" + other);
            Assert.Equal(400, (int)response.StatusCode);
            Assert.Contains("\"cursor\":[", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("category=fashion", "department_id = 2")]
    [InlineData("merchant=3", "merchant_id = 3")]
    [InlineData("minPrice=20&maxPrice=60", "price_cents BETWEEN 2000 AND 6000")]
    [InlineData("rating=4", "rating_tenths >= 40")]
    [InlineData("category=headphones&rating=2", "category_id = (SELECT id FROM categories WHERE slug = 'headphones') AND rating_tenths >= 20")]
    public async Task Filters_narrow_what_is_found(string filters, string condition)
    {
        var found = await shop.ProductsAsync($"/search?q=made&limit=100&{filters}");
        var expected = await shop.IdsAsync($"SELECT id FROM products WHERE is_active AND search @@ to_tsquery('english', 'made') AND {condition}");
        Assert.NotEmpty(found.Data);
        Assert.Subset(expected.ToHashSet(), found.Data.Select(product => product.Id).ToHashSet());
        Assert.Equal(Math.Min(100, expected.Count), found.Data.Length);
        if (found.Pagination.TotalIsExact == true)
        {
            Assert.Equal(expected.Count, found.Pagination.Total);
        }
    }

    [Fact]
    public async Task Facets_count_what_each_choice_would_find_with_the_other_filters_left_as_they_are()
    {
        var facets = await FacetsAsync("q=wireless&category=electronics&minPrice=50&maxPrice=99.99&rating=2");
        const string Wireless = "SELECT count(*) FROM products WHERE is_active AND search @@ to_tsquery('english', 'wireless') AND ";
        const string Category = "department_id = 1";
        const string Price = "price_cents BETWEEN 5000 AND 9999";
        const string Rating = "rating_tenths >= 20";
        Assert.True(facets.Categories.IsExact && facets.Merchants.IsExact && facets.Prices.IsExact && facets.Ratings.IsExact);
        Assert.NotEmpty(facets.Categories.Values);
        foreach (var category in facets.Categories.Values)
        {
            Assert.Equal(await shop.ScalarAsync<long>($"{Wireless} category_id = {category.Id} AND {Price} AND {Rating}"), category.Count);
        }

        Assert.Contains(facets.Categories.Values, category => category.Id > 39); // of other departments, too
        foreach (var merchant in facets.Merchants.Values)
        {
            Assert.Equal(await shop.ScalarAsync<long>($"{Wireless} merchant_id = {merchant.Id} AND {Category} AND {Price} AND {Rating}"), merchant.Count);
        }

        Assert.Equal([0m, 25, 50, 100, 250, 500], facets.Prices.Values.Select(band => band.From));
        foreach (var band in facets.Prices.Values)
        {
            Assert.Equal(await shop.ScalarAsync<long>($"{Wireless} price_cents >= {band.From * 100} AND price_cents < {(band.To ?? 1_000_000) * 100} AND {Category} AND {Rating}"), band.Count);
        }

        foreach (var stars in facets.Ratings.Values)
        {
            Assert.Equal(await shop.ScalarAsync<long>($"{Wireless} rating_tenths >= {stars.From * 10} AND {Category} AND {Price}"), stars.Count);
        }
    }

    [Fact]
    public async Task Counts_of_common_words_stop_and_say_so()
    {
        var facets = await FacetsAsync("q=made");
        Assert.False(facets.Prices.IsExact);
        Assert.Equal(SearchFacets.Most, facets.Prices.Values.Sum(band => band.Count));
        Assert.Null((await shop.GetAsync<FoundProducts>("/api/products/search?q=made")).Facets);
    }

    [Fact]
    public async Task Facets_of_a_misspelt_word_are_of_what_is_shown()
    {
        var found = await shop.GetAsync<FoundProducts>("/api/products/search?q=hedphones&facets=true");
        Assert.Equal("headphones", found.CorrectedQuery);
        Assert.Equal(found.Pagination.Total, found.Facets!.Prices.Values.Sum(band => band.Count));
    }

    private async Task<Facets> FacetsAsync(string query) => (await shop.GetAsync<FoundProducts>($"/api/products/search?{query}&facets=true")).Facets!;
}
