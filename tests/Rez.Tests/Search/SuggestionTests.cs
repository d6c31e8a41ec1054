using System.Net.Http.Json;
using Rez.Search;
using Tenfold.Caching.Tests.Support;
using Tenfold.Postgres;

namespace Rez.Tests.Search;

public sealed class SuggestionTests(Shop shop)
{
    [Theory]
    [InlineData("e", "electronics")]
    [InlineData("he", "headphones")]
    [InlineData("headp", "headphones")]
    [InlineData("HEADP", "headphones")]
    [InlineData("wireless headp", "wireless headphones")]
    [InlineData("hedphones", "headphones")]
    [InlineData("electroncs", "electronics")]
    public async Task What_is_typed_is_continued(string typed, string meant)
    {
        var found = await SuggestAsync(typed);
        Assert.InRange(found.Count, 1, Suggestions.Most);
        Assert.Contains(found, suggestion => suggestion.Text.Equals(meant, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(found.Count, found.Select(suggestion => suggestion.Text.ToLowerInvariant()).Distinct().Count());
    }

    [Theory]
    [InlineData("e")]
    [InlineData("wa")]
    [InlineData("kett")]
    public async Task The_most_frequent_continuations_come_first(string typed)
    {
        var found = (await SuggestAsync(typed)).Where(suggestion => suggestion.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.Equal(found.Select(suggestion => suggestion.Products).OrderDescending(), found.Select(suggestion => suggestion.Products));
        Assert.Equal(await shop.ScalarAsync<int>($"SELECT max(documents) FROM search_suggestions WHERE key LIKE '{typed}%'"), found[0].Products);
    }

    [Theory]
    [InlineData("%25")]
    [InlineData("_")]
    [InlineData("%5C")]
    [InlineData("xqzvwkj")]
    public async Task What_is_typed_is_no_pattern(string typed) => Assert.Empty(await SuggestAsync(typed, isEscaped: true));

    [Fact]
    public async Task Suggestions_are_walks_of_their_indexes()
    {
        foreach (var (condition, index) in new[] { ("left(key, 1) = 'e'", "first"), ("left(key, 2) = 'he'", "second") })
        {
            var plan = await shop.ScalarAsync<string>($"EXPLAIN (FORMAT JSON) SELECT kind, text, documents FROM search_suggestions WHERE {condition} ORDER BY documents DESC, key, kind LIMIT 10");
            Assert.Contains($"\"search_suggestions_{index}\"", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("\"Sort\"", plan, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task New_brands_are_suggested_after_the_job_and_those_that_are_gone_are_not()
    {
        var brand = "Quokkaware";
        using (var changed = await shop.PatchAsync(611, new { brand }))
        {
            Assert.True(changed.IsSuccessStatusCode);
        }

        var home = shop.Service<PostgresStore>();
        Assert.True(await RefreshSuggestionsHandler.RunAsync(home, TestContext.Current.CancellationToken) > 0);
        Assert.Equal("brand", (await SuggestAsync("quokk"))[0].Kind);
        using (var changed = await shop.PatchAsync(611, new { brand = "Another" }))
        {
            Assert.True(changed.IsSuccessStatusCode);
        }

        await RefreshSuggestionsHandler.RunAsync(home, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(await SuggestAsync("quokk"), suggestion => suggestion.Text == brand);
    }

    [Fact]
    public async Task How_fresh_the_catalogue_is_is_measured_with_each_change()
    {
        var freshness = shop.Service<Freshness>();
        var before = freshness.Published.Sum();
        using (var changed = await shop.PatchAsync(612, new { description = "Fresh." }))
        {
            Assert.True(changed.IsSuccessStatusCode);
        }

        await Wait.ForAsync("it is counted", () => Task.FromResult(freshness.Published.Sum() > before));
        var metrics = await shop.Http.GetStringAsync("/metrics");
        Assert.Contains("rez_catalogue_published_total{within=\"1s\"}", metrics, StringComparison.Ordinal);
        Assert.Contains("rez_catalogue_lag_seconds_total", metrics, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<Suggestion>> SuggestAsync(string typed, bool isEscaped = false) =>
        (await shop.Http.GetFromJsonAsync($"/api/search/suggestions?q={(isEscaped ? typed : Uri.EscapeDataString(typed))}", SearchJson.Default.SuggestionList))!.Data;
}
