// Decides on requests of 1,000 callers, so many at a time, or lets one caller try a number of times.
//   RateLimitDriver rate URL CALLERS WARM-SECONDS SECONDS   prints: decisions, seconds, CPU microseconds, bytes allocated
//   RateLimitDriver hammer URL KEY LIMIT TRIES CALLERS      prints: passed
using System.Diagnostics;
using Tenfold.RateLimiting;
using Tenfold.Redis;

var options = new RateLimiterOptions { Redis = RedisOptions.Parse(args[1]), KeyPrefix = "{bench}", Patience = TimeSpan.FromSeconds(30) };
return args[0] == "rate" ? await RateAsync(int.Parse(args[2]), double.Parse(args[3]), double.Parse(args[4])) : await HammerAsync(args[2], int.Parse(args[3]), int.Parse(args[4]), int.Parse(args[5]));

async Task<int> RateAsync(int callers, double warm, double seconds)
{
    var quota = new Quota("per-client", 100_000, TimeSpan.FromMinutes(15));
    await using var limiter = await ConnectedAsync(quota);
    var checks = Enumerable.Range(0, 1000).Select(i => new[] { new QuotaCheck(quota, Caller.Of($"caller-{i}")) }).ToArray();
    var counts = new long[callers * 16]; // a cache line each
    using var stop = new CancellationTokenSource();
    var loops = Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
    {
        for (var i = caller * 7919; !stop.IsCancellationRequested; i++)
        {
            if (await limiter.DecideAsync(checks[i % checks.Length]) is not { IsAllowed: true, Source: DecisionSource.Redis } decision)
            {
                throw new InvalidOperationException("A decision was not Redis' or refused a caller that is not over.");
            }

            counts[caller * 16] += decision.Quotas.Count;
        }
    })).ToArray();

    await Task.Delay(TimeSpan.FromSeconds(warm));
    var (decisions, cpu, bytes, since) = (counts.Sum(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
    await Task.Delay(TimeSpan.FromSeconds(seconds));
    var elapsed = Stopwatch.GetElapsedTime(since);
    Console.WriteLine($"{counts.Sum() - decisions} {elapsed.TotalSeconds:0.000} {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds:0} {GC.GetTotalAllocatedBytes() - bytes}");
    await stop.CancelAsync();
    await Task.WhenAll(loops);
    return 0;
}

async Task<int> HammerAsync(string key, int limit, int tries, int callers)
{
    var quota = new Quota("hammer", limit, TimeSpan.FromDays(1));
    await using var limiter = await ConnectedAsync(quota);
    QuotaCheck[] check = [new QuotaCheck(quota, Caller.Of(key))];
    var passed = 0;
    await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
    {
        for (var i = 0; i < tries / callers; i++)
        {
            if ((await limiter.DecideAsync(check)).IsAllowed)
            {
                Interlocked.Increment(ref passed);
            }
        }
    }));
    Console.WriteLine(passed);
    return 0;
}

async Task<DistributedRateLimiter> ConnectedAsync(Quota quota)
{
    var limiter = new DistributedRateLimiter([quota], options);
    for (var i = 0; limiter.IsInsured; i++)
    {
        await Task.Delay(10);
        if (i > 1000)
        {
            throw new InvalidOperationException("Redis does not answer.");
        }
    }

    return limiter;
}
