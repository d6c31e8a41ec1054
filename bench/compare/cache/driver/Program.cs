using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Caching.Memory;
using Tenfold.Caching;
using Tenfold.Redis;

// hit REDIS SECONDS ROUNDS: a line "SIDE NANOSECONDS BYTES" a round and side: one hit of 1,000 keys, in turn.
// cold REDIS CALLERS: "ready"; for each line on stdin that many callers of that cold key at once; then "LOADS WRONG".
switch (args)
{
    case ["hit", var redis, var seconds, var rounds]:
        await HitsAsync(redis, TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), int.Parse(rounds, CultureInfo.InvariantCulture));
        return 0;
    case ["cold", var redis, var callers]:
        await ColdAsync(redis, int.Parse(callers, CultureInfo.InvariantCulture));
        return 0;
    default:
        Console.Error.WriteLine("usage: hit REDIS SECONDS ROUNDS | cold REDIS CALLERS");
        return 2;
}

static async Task HitsAsync(string redis, TimeSpan window, int rounds)
{
    await using var cache = new TenfoldCache(new CacheOptions { System = "bench", DefaultPolicy = new CachePolicy { Ttl = TimeSpan.FromHours(1), Tags = ["products"] } }, redis: RedisOptions.Parse(redis));
    await cache.Ready.WaitAsync(TimeSpan.FromSeconds(10));
    using var memory = new MemoryCache(new MemoryCacheOptions());
    var keys = Enumerable.Range(0, 1000).Select(i => $"products:page:{i}:limit:20").ToArray();
    foreach (var key in keys)
    {
        await cache.Default.GetOrCreateAsync(key, key, static (key, _) => ValueTask.FromResult("value of " + key));
        memory.Set(key, "value of " + key, TimeSpan.FromHours(1));
    }

    var hits = cache.Default;
    for (var round = -4; round < rounds; round++) // four to warm up: the compiler's last tier comes late on a busy machine
    {
        var sides = new (string Name, Func<long> Run)[]
        {
            ("tenfold", () =>
            {
                var length = 0L;
                foreach (var key in keys)
                {
                    var hit = hits.GetOrCreateAsync<string, string>(key, key, static (_, _) => throw new InvalidOperationException("not a hit"));
                    length += hit.Result.Length;
                }

                return length;
            }),
            ("memorycache", () =>
            {
                var length = 0L;
                foreach (var key in keys)
                {
                    length += memory.TryGetValue(key, out string? value) ? value!.Length : throw new InvalidOperationException("not a hit");
                }

                return length;
            }),
        };
        foreach (var (name, run) in round % 2 == 0 ? sides : sides.Reverse())
        {
            var (nanoseconds, bytes) = Measure(run, round < 0 ? TimeSpan.FromSeconds(1) : window, keys.Length);
            if (round >= 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {nanoseconds:0.00} {bytes:0.###}"));
            }
        }
    }
}

static (double Nanoseconds, double Bytes) Measure(Func<long> run, TimeSpan window, int hits)
{
    var (passes, length) = (0L, 0L);
    var allocated = GC.GetAllocatedBytesForCurrentThread();
    var since = Stopwatch.GetTimestamp();
    TimeSpan elapsed;
    do
    {
        for (var i = 0; i < 100; i++)
        {
            length += run();
        }

        passes += 100;
        elapsed = Stopwatch.GetElapsedTime(since);
    }
    while (elapsed < window);
    GC.KeepAlive(length);
    return (elapsed.TotalNanoseconds / (passes * hits), (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / (passes * hits));
}

static async Task ColdAsync(string redis, int callers)
{
    await using var cache = new TenfoldCache(new CacheOptions { System = "bench" }, redis: RedisOptions.Parse(redis));
    await cache.Ready.WaitAsync(TimeSpan.FromSeconds(10));
    Console.WriteLine("ready");
    while (await Console.In.ReadLineAsync() is { Length: > 0 } key)
    {
        var loads = 0;
        var values = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () => await cache.Default.GetOrCreateAsync(key, async cancel =>
        {
            Interlocked.Increment(ref loads);
            await Task.Delay(50, cancel);
            return "value of " + key;
        }))));
        Console.WriteLine($"{loads} {values.Count(value => value != "value of " + key)}");
    }
}
