using System.Net;

namespace Tenfold.RateLimiting.Tests;

public sealed class CallerTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("::1", "::")]
    public void An_address_is_written_as_itself_and_ipv6_as_its_64(string address, string key) =>
        Assert.Equal(key, Caller.Of(IPAddress.Parse(address)).ToString());

    [Fact]
    public void Addresses_of_one_64_are_one_caller()
    {
        Assert.Equal(Caller.Of(IPAddress.Parse("2001:db8::1")), Caller.Of(IPAddress.Parse("2001:db8::ffff:1")));
        Assert.NotEqual(Caller.Of(IPAddress.Parse("2001:db8::1")), Caller.Of(IPAddress.Parse("2001:db8:0:1::1")));
        Assert.Equal(Caller.Of(IPAddress.Parse("10.0.0.1")), Caller.Of(IPAddress.Parse("::ffff:10.0.0.1")));
    }

    [Fact]
    public void A_name_reaches_redis_as_a_hash_only()
    {
        var key = Caller.Of("secret-api-key").ToString();

        Assert.Equal(22, key.Length);
        Assert.DoesNotContain("secret", key, StringComparison.Ordinal);
        Assert.Equal(Caller.Of("secret-api-key"), Caller.Of("secret-api-key"u8));
        Assert.NotEqual(Caller.Of("a"), Caller.Of("b"));
    }

    [Fact]
    public void A_name_that_looks_like_an_address_is_another_caller() =>
        Assert.NotEqual(Caller.Of("10.0.0.1"), Caller.Of(IPAddress.Parse("10.0.0.1")));
}
