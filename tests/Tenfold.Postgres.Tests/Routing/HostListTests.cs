using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres.Tests.Routing;

public sealed class HostListTests
{
    [Theory]
    [InlineData("Host=a", "a:5432")]
    [InlineData("Host=a;Port=7", "a:7")]
    [InlineData("Host=a:1,b:2, c;Port=3", "a:1 b:2 c:3")]
    [InlineData("Host=/run/x;Port=7", "/run/x:7")]
    [InlineData("Host=/run/x:1,/run/y:2", "/run/x:1 /run/y:2")]
    [InlineData("Host=[::1]:8,::1;Port=9", "[::1]:8 ::1:9")]
    public void Every_server_has_its_host_and_port(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', HostList.Split(text).Select(server => $"{server.Host}:{server.Port}")));

    [Fact]
    public void Everything_else_is_the_same_for_all() =>
        Assert.All(HostList.Split("Host=a,b;Username=u;Maximum Pool Size=7"), server => Assert.Equal(("u", 7), (server.Username, server.MaxPoolSize)));

    [Fact]
    public void A_string_without_a_server_is_refused() =>
        Assert.Contains("names no server", Assert.Throws<ArgumentException>(() => HostList.Split("Username=u")).Message, StringComparison.Ordinal);
}
