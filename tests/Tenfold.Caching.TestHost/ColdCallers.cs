using Tenfold.Redis;

namespace Tenfold.Caching.TestHost;

/// <summary>Many callers of one cold key at once. Prints <c>loads N</c>; after a line on stdin it begins.</summary>
internal static class ColdCallers
{
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(1);

    public static async Task<int> RunAsync(string redis, int callers)
    {
        // Long waits: on a busy machine, too, the only loads are to be those that the protocol allows.
        var options = new CacheOptions { System = "cold", RedisTimeout = Most, PropagationBound = Most, NodeTimeout = Most };
        await using var cache = new TenfoldCache(options, redis: RedisOptions.Parse(redis));
        await cache.Ready.WaitAsync(Most);
        Console.WriteLine("ready");
        var loads = 0;
        while (await Console.In.ReadLineAsync() is { Length: > 0 } key)
        {
            loads = 0;
            var values = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () => await cache.Default.GetOrCreateAsync(key, async cancel =>
            {
                Interlocked.Increment(ref loads);
                await Task.Delay(50, cancel);
                return "value of " + key;
            }))));
            Console.WriteLine($"loads {loads} wrong {values.Count(value => value != "value of " + key)}");
        }

        return 0;
    }
}
