using Tenfold.Cli.Edge;
using Tenfold.Cli.Sharding;

namespace Tenfold.Cli.Tests.Sharding;

public sealed class BucketListTests
{
    [Theory]
    [InlineData("5", new[] { 5 })]
    [InlineData("7,3,10-12,11", new[] { 3, 7, 10, 11, 12 })]
    [InlineData("0-0", new[] { 0 })]
    public void Buckets_are_typed_one_by_one_or_as_ranges(string text, int[] expected) => Assert.Equal(expected, BucketList.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("1,")]
    [InlineData("-1")]
    [InlineData("3-1")]
    [InlineData("1-2-3")]
    [InlineData("0-99999999")]
    public void Anything_else_is_refused_with_an_example(string text) =>
        Assert.Contains("3,7,10-20", Assert.Throws<UsageException>(() => BucketList.Parse(text)).Message, StringComparison.Ordinal);
}
