using Tenfold.Guide.Validation;

namespace Tenfold.Guide.Tests.Validation;

public sealed class SuggestionTests
{
    [Theory]
    [InlineData("api", "api", 0)]
    [InlineData("apy", "api", 1)]
    [InlineData("pai", "api", 1)]
    [InlineData("ap", "api", 1)]
    [InlineData("apii", "api", 1)]
    [InlineData("", "api", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_counts_edits_and_swaps(string a, string b, int expected)
    {
        Assert.Equal(expected, Suggestion.Distance(a, b));
        Assert.Equal(expected, Suggestion.Distance(b, a));
    }

    [Theory]
    [InlineData("intreval", "interval")]
    [InlineData("Interval", "interval")]
    [InlineData("timout", "timeout")]
    [InlineData("mni", "min")]
    [InlineData("mean", null)]
    [InlineData("x", null)]
    [InlineData("", null)]
    public void Only_near_names_are_suggested(string found, string? expected) =>
        Assert.Equal(expected, Suggestion.Nearest(found, ["interval", "timeout", "min", "max"]));

    [Fact]
    public void Long_lists_are_cut() =>
        Assert.EndsWith("n19 and 30 more", Suggestion.Among("zzz", [.. Enumerable.Range(0, 50).Select(i => $"n{i}")]), StringComparison.Ordinal);
}
