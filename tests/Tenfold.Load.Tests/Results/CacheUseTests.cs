using Tenfold.Load.Results;

namespace Tenfold.Load.Tests.Results;

public sealed class CacheUseTests
{
    private static Dictionary<string, string> Texts(params (string Instance, long Memory, long Redis, long Misses)[] instances) => instances.ToDictionary(
        i => i.Instance,
        i => $$"""
            # HELP tenfold_cache_hits_total Reads answered from a layer.
            # TYPE tenfold_cache_hits_total counter
            tenfold_cache_hits_total{policy="products",layer="memory"} {{i.Memory - 1}}
            tenfold_cache_hits_total{policy="stores",layer="memory"} 1
            tenfold_cache_hits_total{policy="products",layer="redis"} {{i.Redis}}
            tenfold_cache_misses_total{policy="products"} {{i.Misses}}
            tenfold_cache_loads_total{policy="products"} 77
            """,
        StringComparer.Ordinal);

    [Fact]
    public void What_happened_between_two_looks_is_added_up_over_instances_and_policies()
    {
        var use = CacheUse.Between(Texts(("api-1", 101, 10, 5), ("api-2", 1, 0, 0)), Texts(("api-1", 171, 20, 15), ("api-2", 11, 0, 0)));

        Assert.NotNull(use);
        Assert.Equal(100, use.Reads);
        Assert.Equal(0.8, use.ShareOf("memory"), 6);
        Assert.Equal(0.1, use.ShareOf("redis"), 6);
        Assert.Equal(0.1, use.MissShare, 6);
    }

    [Fact]
    public void An_instance_that_was_replaced_counts_from_its_start() =>
        Assert.Equal(30, CacheUse.Between(Texts(("api-1", 1000, 10, 5)), Texts(("api-1", 20, 5, 5)))?.Reads);

    [Fact]
    public void One_that_was_replaced_and_has_read_more_than_the_one_before_did_too() =>
        Assert.Equal((2020, 5), CacheUse.Between(Texts(("api-1", 1000, 10, 25)), Texts(("api-1", 2000, 15, 5))) is { } use ? (use.Reads, use.Misses) : default);

    [Fact]
    public void An_instance_that_is_gone_is_left_out() =>
        Assert.Equal(10, CacheUse.Between(Texts(("api-1", 1000, 10, 5), ("api-2", 10, 0, 0)), Texts(("api-2", 20, 0, 0)))?.Reads);

    [Theory]
    [InlineData("")]
    [InlineData("http_requests_total 12\n")]
    [InlineData("tenfold_cache_hits_total{policy=\"a\"} x\ntenfold_cache_hits_total{layer=\"memory\ntenfold_cache_misses_total")]
    public void Where_no_cache_was_read_there_is_nothing_to_say(string text) =>
        Assert.Null(CacheUse.Between(new Dictionary<string, string>(), new Dictionary<string, string> { ["api-1"] = text }));
}
