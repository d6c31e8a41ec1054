using Microsoft.Extensions.DependencyInjection;
using Tenfold.Caching;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.AspNetCore.Tests.Metrics;

[Collection(ProcessWide.Meters)]
public sealed class CacheMetricsTests
{
    [Fact]
    public async Task Hits_are_counted_by_layer_and_a_Redis_that_is_away_is_said()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var instance = await Instance.StartAsync(
            null,
            options =>
            {
                options.Cache = Patient.Options(options.Cache);
                options.CachePolicies["products"] = new CachePolicy { Ttl = TimeSpan.FromHours(1) };
            },
            $"--ConnectionStrings:cache={redis.Url}");
        var cache = instance.App.Services.GetRequiredService<TenfoldCache>();
        await cache.Ready.WaitAsync(Instance.Wait);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("value", await cache.For("products").GetOrCreateAsync("key", _ => ValueTask.FromResult("value")));
        }

        var metrics = await instance.Http.GetStringAsync("/metrics");
        Assert.Contains("tenfold_cache_hits_total{policy=\"products\",layer=\"memory\"} 4\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_cache_hits_total{policy=\"products\",layer=\"redis\"} 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_cache_misses_total{policy=\"products\"} 1\n", metrics, StringComparison.Ordinal);
        await Wait.ForAsync("it says that Redis is there", async () => (await instance.Http.GetStringAsync("/metrics")).Contains("tenfold_cache_coherent 1\n", StringComparison.Ordinal));
        await redis.KillAsync();
        await Wait.ForAsync("it says that Redis is away", async () => (await instance.Http.GetStringAsync("/metrics")).Contains("tenfold_cache_coherent 0\n", StringComparison.Ordinal));
    }
}
