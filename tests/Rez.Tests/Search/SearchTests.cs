using FsCheck;
using FsCheck.Fluent;
using Commons.Http;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Search;

namespace Rez.Tests.Search;

public sealed class SearchTests(Shop shop)
{
    [Fact]
    public async Task A_common_word_finds_products_that_have_it_the_most_popular_first()
    {
        var page = await shop.ProductsAsync("/search?q=electronics");
        Assert.Equal((20, true), (page.Data.Length, page.Pagination.HasMore));
        Assert.Equal((1000, false), (page.Pagination.Total!.Value, page.Pagination.TotalIsExact!.Value));
        var best = await shop.IdsAsync("SELECT id FROM products WHERE is_active AND search @@ to_tsquery('english', 'electronics') ORDER BY popularity DESC, id DESC LIMIT 60");
        Assert.Subset(best.ToHashSet(), page.Data.Select(product => product.Id).ToHashSet());
    }

    [Theory]
    [InlineData("electronics")]
    [InlineData("headphones")]
    [InlineData("wireless keyboard")]
    public async Task Pages_of_a_search_meet_every_match_once(string q)
    {
        var matches = await shop.IdsAsync($"SELECT id FROM products WHERE is_active AND search @@ plainto_tsquery('english', '{q}') ORDER BY popularity DESC, id DESC LIMIT 1000");
        var seen = new List<long>();
        for (var page = 1; ; page++)
        {
            var answer = await shop.ProductsAsync($"/search?q={Uri.EscapeDataString(q)}&limit=25&page={page}");
            seen.AddRange(answer.Data.Select(product => product.Id));
            if (!answer.Pagination.HasMore)
            {
                break;
            }
        }

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Equal(matches.Order(), seen.Order());
    }

    [Theory]
    [InlineData(700)]
    [InlineData(2_000)]
    [InlineData(5_000)]
    public async Task Pages_agree_where_the_walk_gives_way_to_the_index(int longestWalk)
    {
        // The first pages come by popularity, the later ones by the index; the last tier of a walk that ended early lacks matches.
        var search = new ProductSearch { WalkFrom = 100, LongestWalk = longestWalk };
        var whole = await FindAsync(new ProductSearch { WalkFrom = int.MaxValue }, 0, 999);
        var paged = new List<long>();
        for (var offset = 0; offset < whole.Count; offset += 25)
        {
            paged.AddRange(await FindAsync(search, offset, 25));
        }

        Assert.True(whole.Count > 200);
        Assert.Equal(whole, paged.Take(whole.Count));

        async Task<List<long>> FindAsync(ProductSearch search, int offset, int limit)
        {
            await using var connection = await shop.Database.OpenConnectionAsync();
            using var reply = new Reply();
            return (await search.FindAsync(connection, reply, new SearchRequest("wireless", limit) { Offset = offset }, CancellationToken.None)).Ids;
        }
    }

    [Fact]
    public async Task A_page_shorter_than_what_is_found_exactly_says_that_there_is_more()
    {
        for (var id = 401; id <= 403; id++)
        {
            (await shop.PatchAsync(id, new { name = "Keyboad of old" })).Dispose();
        }

        var first = await shop.ProductsAsync("/search?q=keyboad&limit=2");
        var second = await shop.ProductsAsync("/search?q=keyboad&limit=2&page=2");
        Assert.True(first.Pagination.HasMore);
        Assert.Equal([401L, 402, 403], first.Data.Concat(second.Data).Select(product => product.Id).Order().Take(3));
        Assert.Equal(first.Pagination.Total, second.Pagination.Total);
    }

    [Fact]
    public async Task A_match_in_the_name_comes_before_one_in_the_description()
    {
        // "water" stands in names (Water Bottles), categories and descriptions (water resistance).
        var found = (await shop.ProductsAsync("/search?q=water&limit=50")).Data;
        var ranks = await Task.WhenAll(found.Select(async product =>
            await shop.ScalarAsync<double>($"SELECT ts_rank(search, to_tsquery('english', 'water')) * ln(popularity + 2) FROM products WHERE id = {product.Id}")));
        Assert.Equal(ranks.OrderDescending(), ranks);
        Assert.Contains("Water", found[0].Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_words_must_be_found_in_any_form()
    {
        var found = (await shop.ProductsAsync("/search?q=WIRELESS%20laptops&limit=50")).Data;
        Assert.NotEmpty(found);
        Assert.All(found, product => Assert.Contains("laptop", (product.Name + product.Description + product.Category.Name).ToLowerInvariant(), StringComparison.Ordinal));
        Assert.All(found, product => Assert.Contains("wireless", (product.Name + product.Description).ToLowerInvariant(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hedphones", "headphones")]
    [InlineData("lpatop", "laptop")]
    [InlineData("electroncs", "electronics")]
    [InlineData("wireles keybord", "wireless keyboard")]
    public async Task A_misspelt_word_finds_what_was_meant_and_says_so(string typed, string meant)
    {
        var found = await shop.ProductsAsync($"/search?q={Uri.EscapeDataString(typed)}");
        Assert.Equal(meant, found.CorrectedQuery);
        Assert.Equal((await shop.ProductsAsync($"/search?q={Uri.EscapeDataString(meant)}")).Data, found.Data);
    }

    [Fact]
    public async Task What_is_found_exactly_comes_before_what_may_have_been_meant()
    {
        (await shop.PatchAsync(301, new { name = "Kettel of old" })).Dispose();
        var first = await shop.ProductsAsync("/search?q=kettel&limit=5");
        Assert.Equal(301, first.Data[0].Id);
        Assert.Equal("kettle", first.CorrectedQuery);
        Assert.Equal(5, first.Data.Length);
        var second = await shop.ProductsAsync("/search?q=kettel&limit=5&page=2");
        Assert.Empty(first.Data.Select(product => product.Id).Intersect(second.Data.Select(product => product.Id)));
        Assert.Equal(
            (await shop.ProductsAsync("/search?q=kettle&limit=9")).Data.Select(product => product.Id).Where(id => id != 301),
            first.Data.Concat(second.Data).Select(product => product.Id).Skip(1).Take(9));
    }

    [Fact]
    public async Task A_word_that_is_known_is_not_corrected()
    {
        var found = await shop.ProductsAsync("/search?q=kettle");
        Assert.Null(found.CorrectedQuery);
        Assert.NotEmpty(found.Data);
    }

    [Theory]
    [InlineData("the")]
    [InlineData("%25")]
    [InlineData("xqzvwk")]
    [InlineData("!!!")]
    [InlineData("12345678901234567890")]
    public async Task Nothing_found_is_an_empty_page(string q)
    {
        var found = await shop.ProductsAsync($"/search?q={q}");
        Assert.Empty(found.Data);
        Assert.Equal((0, true, false), (found.Pagination.Total!.Value, found.Pagination.TotalIsExact!.Value, found.Pagination.HasMore));
    }

    [Theory]
    [InlineData("' OR 1=1 --")]
    [InlineData("a & b | c ! d <-> e")]
    [InlineData("'electron':*")]
    [InlineData("\\'\\\\")]
    [InlineData("(((((")]
    [InlineData("http://example.com/a/b?c=d")]
    [InlineData("user@example.com")]
    [InlineData("ø日本語😀")]
    [InlineData("$1 $2 {0} %s")]
    public async Task Special_characters_are_text(string q)
    {
        using var response = await shop.Http.GetAsync("/api/products/search?q=" + Uri.EscapeDataString(q));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        using var everything = await shop.Http.GetAsync("/api/search?q=" + Uri.EscapeDataString(q));
        Assert.True(everything.IsSuccessStatusCode, await everything.Content.ReadAsStringAsync());
    }

    [Fact]
    public void No_text_breaks_a_search()
    {
        var text = ArbMap.Default.GeneratorFor<string>().Where(text => text is not null).Select(text => text.Length > 250 ? text[..250] : text);
        Prop.ForAll(Arb.From(text), text =>
        {
            using var response = shop.Http.GetAsync("/api/products/search?limit=1&q=" + Uri.EscapeDataString(text)).GetAwaiter().GetResult();
            return (int)response.StatusCode is 200 or 400;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [Fact]
    public async Task Two_hundred_characters_of_common_words_are_answered()
    {
        var q = string.Join(' ', Enumerable.Repeat("made comes quick wireless electronics adjustable", 10))[..200];
        using var response = await shop.Http.GetAsync("/api/products/search?q=" + Uri.EscapeDataString(q));
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Everything_is_searched_at_once()
    {
        var found = await shop.GetAsync<FoundEverything>("/api/search?q=electronics&limit=3");
        Assert.Equal((await shop.ProductsAsync("/search?q=electronics&limit=3")).Data, found.Data.Products);
        Assert.Equal("Electronics", found.Data.Categories[0].Name);
        Assert.Equal((1000, false), (found.Totals.Products, found.Totals.ProductsIsExact));

        var stores = (await shop.GetAsync<FoundEverything>("/api/search?q=lisbon")).Data.Stores;
        Assert.Equal(await shop.IdsAsync("SELECT id FROM stores WHERE city = 'Lisbon' ORDER BY popularity DESC, id DESC LIMIT 5"), stores.Select(store => (long)store.Id));
        Assert.Equal("lisbon", (await shop.GetAsync<FoundEverything>("/api/search?q=lisbn")).CorrectedQuery);
    }
}
