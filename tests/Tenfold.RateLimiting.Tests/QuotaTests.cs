namespace Tenfold.RateLimiting.Tests;

public sealed class QuotaTests
{
    [Fact]
    public void The_policy_is_an_item_of_the_header() =>
        Assert.Equal("\"per-client\";q=100;w=900", new Quota("per-client", 100, TimeSpan.FromMinutes(15)).Policy);

    [Fact]
    public void Burst_is_the_limit_unless_said()
    {
        Assert.Equal((100, 100L), (new Quota("a", 100, TimeSpan.FromMinutes(1)).Burst, new Quota("a", 100, TimeSpan.FromMinutes(1)).Rate.Burst));
        Assert.Equal(7, new Quota("a", 100, TimeSpan.FromMinutes(1), burst: 7).Rate.Burst);
    }

    [Fact]
    public void What_microseconds_cannot_count_is_refused_and_a_tiny_share_is_one_request()
    {
        Assert.ThrowsAny<ArgumentException>(() => new Quota("a", 1, TimeSpan.FromDays(366), burst: int.MaxValue));
        Assert.ThrowsAny<ArgumentException>(() => new Quota("a", 1, TimeSpan.FromDays(1), block: TimeSpan.FromSeconds(-1)));
        Assert.Equal(1, new Quota("a", 1, TimeSpan.FromDays(366), insurance: 1e-12).InsuredRate.Burst);
    }

    [Theory]
    [InlineData("", 1, 1000)]
    [InlineData("A b", 1, 1000)]
    [InlineData("quote\"", 1, 1000)]
    [InlineData("a", 0, 1000)]
    [InlineData("a", 1, 0)]
    public void What_makes_no_sense_is_refused(string name, int limit, int milliseconds) =>
        Assert.ThrowsAny<ArgumentException>(() => new Quota(name, limit, TimeSpan.FromMilliseconds(milliseconds)));
}
