using Tenfold.TestSupport;

namespace Tenfold.Caching.Tests.Support;

/// <summary>Caches on a Redis, and the one key that most tests are about.</summary>
internal static class Caches
{
    public static readonly CachePolicy Policy = new() { Ttl = TimeSpan.FromMinutes(10), HardTimeout = Wait.Most };

    public static CacheOptions Options { get; } = new() { System = "test", DefaultPolicy = Policy };

    public static Task<TenfoldCache> CacheAsync(RedisServer redis, CachePolicy? policy = null, TimeSpan? bound = null)
    {
        var options = Patient.Options(Options) with { DefaultPolicy = policy ?? Policy };
        return CacheAsync(redis, options with { PropagationBound = bound ?? options.PropagationBound });
    }

    public static async Task<TenfoldCache> CacheAsync(RedisServer redis, CacheOptions options)
    {
        var cache = new TenfoldCache(options, redis: redis.Options());
        await cache.Ready.WaitAsync(Wait.Most);
        return cache;
    }

    public static ValueTask<string> Read(TenfoldCache cache, string loaded) => cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(loaded), tags: ["tag"]);

    public static Metrics.CacheCounts Counts(TenfoldCache cache) => cache.Counts.Single(c => c.Policy == "default");
}
