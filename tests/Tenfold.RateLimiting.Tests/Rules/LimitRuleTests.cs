using System.Net;
using Tenfold.Guide;
using Tenfold.Guide.Reading;
using Tenfold.RateLimiting.Rules;

namespace Tenfold.RateLimiting.Tests.Rules;

public sealed class LimitRuleTests
{
    private static readonly SystemGuide Guide = GuideReader.Parse(
        """
        system: shop
        services: { api: { command: [node, server.js] } }
        stores: { cache: { engine: redis } }
        gateway: { routes: [{ path: /**, service: api }] }
        rate-limits:
          client: { limit: 100, per: 15m, block: 15m, except: [10.0.0.0/8, "::1/128"] }
          orders: { limit: 10, per: 1m, by: route, routes: [POST /api/orders, "/api/carts/{id}"] }
          keys: { limit: 1k, per: 1m, by: api-key, burst: 50 }
          tenants: { limit: 1k, per: 1m, by: "header:X-Tenant" }
          users: { limit: 5, per: 1s, by: user }
        """, "/srv/tenfold.yaml", _ => null).Guide!;

    private readonly LimitRules _gateway = LimitRules.Of(Guide, RateLimitPlace.Gateway);

    [Fact]
    public void Each_place_enforces_its_own()
    {
        Assert.Equal(["client", "orders", "keys", "tenants"], _gateway.Quotas.Select(quota => quota.Name));
        Assert.Equal(["users"], LimitRules.Of(Guide, RateLimitPlace.App).Quotas.Select(quota => quota.Name));
        Assert.Equal(("cache", "{rl}:shop"), (_gateway.Store, _gateway.KeyPrefix));
    }

    [Fact]
    public void A_rule_is_what_the_guide_says()
    {
        Assert.Equal((100, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15), 100), (_gateway.Rules[0].Quota.Limit, _gateway.Rules[0].Quota.Period, _gateway.Rules[0].Quota.Block, _gateway.Rules[0].Quota.Burst));
        Assert.Equal((CountedBy.Header, "X-Api-Key", 50), (_gateway.Rules[2].By, _gateway.Rules[2].Header, _gateway.Rules[2].Quota.Burst));
        Assert.Equal((CountedBy.Header, "X-Tenant"), (_gateway.Rules[3].By, _gateway.Rules[3].Header));
    }

    [Theory]
    [InlineData("POST", "/api/orders", true)]
    [InlineData("GET", "/api/orders", false)]
    [InlineData("DELETE", "/api/carts/7", true)]
    [InlineData("POST", "/api/orders/7", false)]
    public void Only_requests_on_its_routes_are_under_it(string method, string path, bool takes) => Assert.Equal(takes, _gateway.Rules[1].Takes(method, path, out _));

    [Fact]
    public void Each_route_is_counted_on_its_own()
    {
        _gateway.Rules[1].Takes("POST", "/api/orders", out var orders);
        _gateway.Rules[1].Takes("PUT", "/api/carts/1", out var cart);
        _gateway.Rules[1].Takes("PUT", "/api/carts/2", out var other);

        Assert.NotEqual(orders, cart);
        Assert.Equal(cart, other);
    }

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("11.1.2.3", false)]
    [InlineData("::1", true)]
    public void Networks_can_be_left_out(string address, bool excepted) => Assert.Equal(excepted, _gateway.Rules[0].Excepts(IPAddress.Parse(address)));

    [Fact]
    public void What_no_request_of_a_route_can_be_under_is_known_beforehand()
    {
        Assert.True(_gateway.Rules[1].CanTake(PathPattern.Parse("/api/**"), []));
        Assert.False(_gateway.Rules[1].CanTake(PathPattern.Parse("/images/**"), []));
        Assert.False(_gateway.Rules[1].CanTake(PathPattern.Parse("/api/orders"), ["GET"]));
        Assert.True(_gateway.Rules[0].CanTake(PathPattern.Parse("/images/**"), ["GET"]));
    }
}
