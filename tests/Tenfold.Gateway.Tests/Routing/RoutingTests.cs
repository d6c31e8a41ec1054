using Tenfold.Gateway.Routing;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Routing;

public sealed class RoutingTests
{
    [Theory]
    [InlineData("/a/b.c/d", "/a/b.c/d")]
    [InlineData("/", "/")]
    [InlineData("/a%20b/%C3%BC", "/a b/ü")]
    [InlineData("/a%2Fb", "/a%2Fb")]
    [InlineData("/.well-known/x", "/.well-known/x")]
    [InlineData("/a/...", "/a/...")]
    [InlineData("/a;x=1/b", "/a;x=1/b")]
    [InlineData("/%252e%252e/a", "/%2e%2e/a")]
    public void A_path_is_decoded_once(string raw, string expected)
    {
        var path = new char[100];
        Assert.Null(RequestPath.Decode(System.Text.Encoding.UTF8.GetBytes(raw), path, out var length));
        Assert.Equal(expected, new string(path, 0, length));
    }

    [Theory]
    [InlineData("/a/../b")]
    [InlineData("/a/./b")]
    [InlineData("/..")]
    [InlineData("/a/%2e%2E/b")]
    [InlineData("/a/.%2e/b")]
    [InlineData("/a%2f..%2fb")]
    [InlineData("/a/..%5Cb")]
    [InlineData("/a/..;x/b")]
    [InlineData("/a\\b")]
    [InlineData("/a%00b")]
    [InlineData("/a%zz")]
    [InlineData("/a%2")]
    [InlineData("/%ff")]
    [InlineData("/%c0%ae%c0%ae/")]
    public void What_an_instance_might_read_as_another_path_is_refused(string raw)
    {
        Assert.NotNull(RequestPath.Decode(System.Text.Encoding.Latin1.GetBytes(raw), new char[100], out _));
    }

    [Theory]
    [InlineData("a=1&b=2", "b", "2", true)]
    [InlineData("a=1&b=2", "b", null, true)]
    [InlineData("a=1&b=2", "c", null, false)]
    [InlineData("b", "b", null, true)]
    [InlineData("b=x%20y", "b", "x y", true)]
    [InlineData("b=x+y", "b", "x y", true)]
    [InlineData("bb=2", "b", "2", false)]
    [InlineData("b=22", "b", "2", false)]
    public void A_query_is_searched_decoded(string query, string name, string? value, bool expected)
    {
        byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);
        Assert.Equal(expected, QueryString.Has(Utf8(query), Utf8(name), value is null ? null : Utf8(value)));
    }

    [Fact]
    public async Task The_most_specific_route_wins_and_none_is_a_404_document()
    {
        await using var api = RawUpstream.Answering(_ => RawUpstream.Ok("api"));
        await using var other = RawUpstream.Answering(_ => RawUpstream.Ok("other"));
        var other1 = new Route { Path = PathPattern.Parse("/shop/{id}"), Service = "other" };
        var section = new GatewaySection
        {
            Routes =
            [
                new Route { Path = PathPattern.Parse("/shop/**"), Service = "api" },
                other1,
                new Route { Path = PathPattern.Parse("/h"), Service = "api" },
                new Route { Path = PathPattern.Parse("/h"), Service = "other", Host = "*.example.com" },
                new Route { Path = PathPattern.Parse("/m"), Service = "other", Methods = ["POST"] },
                new Route { Path = PathPattern.Parse("/m"), Service = "api", Methods = ["GET"] },
                new Route { Path = PathPattern.Parse("/k"), Service = "api" },
                new Route { Path = PathPattern.Parse("/k"), Service = "other", Headers = new Dictionary<string, string> { ["X-Beta"] = "yes" } },
                new Route { Path = PathPattern.Parse("/q"), Service = "api" },
                new Route { Path = PathPattern.Parse("/q"), Service = "other", Query = new Dictionary<string, string> { ["beta"] = "*" } },
            ],
        };
        await using var gateway = await TestGateway.StartAsync(section, upstreams: api.EndPoint);
        gateway.Server.Add(new Upstream("other", "other-1", other.EndPoint));

        async Task<string> Ask(string request) => (await gateway.SendRawAsync(request + "Connection: close\r\n\r\n")).Split("\r\n")[^1];
        Assert.Equal("other", await Ask("GET /shop/1 HTTP/1.1\r\nHost: a\r\n"));
        Assert.Equal("api", await Ask("GET /shop/1/2 HTTP/1.1\r\nHost: a\r\n"));
        Assert.Equal("api", await Ask("GET /h HTTP/1.1\r\nHost: example.com\r\n"));
        Assert.Equal("other", await Ask("GET /h HTTP/1.1\r\nHost: Shop.Example.com:80\r\n"));
        Assert.Equal("other", await Ask("POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"));
        Assert.Equal("api", await Ask("GET /m HTTP/1.1\r\nHost: a\r\n"));
        Assert.Equal("other", await Ask("GET /k HTTP/1.1\r\nHost: a\r\nx-beta: yes\r\n"));
        Assert.Equal("api", await Ask("GET /k HTTP/1.1\r\nHost: a\r\nx-beta: no\r\n"));
        Assert.Equal("other", await Ask("GET /q?a=1&beta=2 HTTP/1.1\r\nHost: a\r\n"));
        Assert.Equal("api", await Ask("GET /q?a=1 HTTP/1.1\r\nHost: a\r\n"));
        Assert.Contains("\"status\":405", await Ask("DELETE /m HTTP/1.1\r\nHost: a\r\n"), StringComparison.Ordinal);
        using var wrongMethod = await gateway.Client.DeleteAsync("/m");
        Assert.Equal(["GET", "HEAD", "POST"], wrongMethod.Content.Headers.Allow.Order());
        using var metrics = await gateway.Client.DeleteAsync("/metrics");
        Assert.Equal((405, "GET, HEAD"), ((int)metrics.StatusCode, string.Join(", ", metrics.Content.Headers.Allow)));
        using var none = await gateway.Client.GetAsync("/nowhere");
        Assert.Equal("application/problem+json", none.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("address", "GET / HTTP/1.1\r\nHost: a\r\nX: {0}\r\n", true)]
    [InlineData("header:X-User", "GET / HTTP/1.1\r\nHost: a\r\nX-User: {0}\r\n", false)]
    [InlineData("cookie:session", "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; session={0}; c=d\r\n", false)]
    public async Task A_consistent_hash_sticks_to_what_the_guide_says(string hash, string request, bool one)
    {
        await using var first = RawUpstream.Answering(_ => RawUpstream.Ok("1"));
        await using var second = RawUpstream.Answering(_ => RawUpstream.Ok("2"));
        await using var gateway = await TestGateway.StartAsync(
            new GatewaySection { Routes = [TestGateway.Everything with { Balance = Balance.ConsistentHash, Hash = hash }] }, upstreams: [first.EndPoint, second.EndPoint]);
        var answers = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            var text = string.Format(System.Globalization.CultureInfo.InvariantCulture, request, i) + "Connection: close\r\n\r\n";
            var answer = (await gateway.SendRawAsync(text))[^1..];
            Assert.Equal(answer, (await gateway.SendRawAsync(text))[^1..]);
            answers.Add(answer);
        }

        Assert.Equal(one ? 1 : 2, answers.Distinct().Count());
    }

    [Fact]
    public async Task Weighted_services_share_by_weight()
    {
        await using var api = RawUpstream.Answering(_ => RawUpstream.Ok("api"));
        await using var other = RawUpstream.Answering(_ => RawUpstream.Ok("other"));
        var route = new Route { Path = PathPattern.Parse("/**"), Services = new Dictionary<string, int> { ["api"] = 3, ["other"] = 1 }, Balance = Balance.Weighted };
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [route] }, upstreams: api.EndPoint);
        gateway.Server.Add(new Upstream("other", "other-1", other.EndPoint));
        var answers = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            answers.Add(await gateway.Client.GetStringAsync("/"));
        }

        Assert.Equal(30, answers.Count(answer => answer == "api"));
    }
}
