using Rez.Search;

namespace Rez.Tests.Search;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("lpatop", "laptop", 1)]
    [InlineData("ca", "abc", 3)]
    [InlineData("hedphones", "headphones", 1)]
    public void Distance_counts_edits_and_swaps(string left, string right, int edits)
    {
        Assert.Equal(edits, EditDistance.Between(left, right));
        Assert.Equal(edits, EditDistance.Between(right, left));
    }

    [Fact]
    public void Distance_works_on_long_words()
    {
        var left = new string('a', 200);
        Assert.Equal(1, EditDistance.Between(left, left + "b"));
    }

    [Fact]
    public void A_known_word_stays() =>
        Assert.Equal("sofa", Spelling.Choose("sofa", [new Lookalike("sofas", 900, 0.7f), new Lookalike("sofa", 5, 1f)]));

    [Fact]
    public void Of_equally_near_words_the_more_common_one_is_meant() =>
        Assert.Equal("belt", Spelling.Choose("bel", [new Lookalike("bell", 10, 0.5f), new Lookalike("belt", 500, 0.5f)]));

    [Fact]
    public void A_word_too_far_away_is_not_meant() =>
        Assert.Equal("qwerty", Spelling.Choose("qwerty", [new Lookalike("queries", 500, 0.3f), new Lookalike("sofa", 900, 0.3f)]));

    [Fact]
    public void Words_are_letters_and_digits() => Assert.Equal(["usb", "c", "kabel", "für", "2"], Spelling.Words("USB-C Kabel, für 2!"));
}
