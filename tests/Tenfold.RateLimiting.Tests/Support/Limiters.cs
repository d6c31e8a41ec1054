using Tenfold.Redis;
using Tenfold.TestSupport;

namespace Tenfold.RateLimiting.Tests.Support;

/// <summary>A plain server for the tests of a class that do not break it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    internal RedisServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RedisServer.StartAsync();

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

internal static class Limiters
{
    private static int _prefix;

    /// <summary>A limiter that is connected. Each gets keys of its own unless it is given a prefix.</summary>
    public static async Task<DistributedRateLimiter> OnAsync(RedisServer server, Quota[] quotas, string? prefix = null, TimeSpan? patience = null, TimeProvider? time = null)
    {
        var limiter = new DistributedRateLimiter(quotas, new RateLimiterOptions
        {
            Redis = RedisOptions.Parse(server.Url) with { MaxBackoff = TimeSpan.FromMilliseconds(200) },
            KeyPrefix = prefix ?? $"{{t{Interlocked.Increment(ref _prefix)}}}",
            Patience = patience ?? TimeSpan.FromSeconds(10),
        }, time);
        await UntilAsync(() => !limiter.IsInsured, "the limiter is connected");
        return limiter;
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"not within 15 s: {what}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    public static ValueTask<RateLimitDecision> AskAsync(this DistributedRateLimiter limiter, Quota quota, string caller = "ann", int cost = 1) =>
        limiter.DecideAsync(new[] { new QuotaCheck(quota, Caller.Of(caller)) }, cost);

    /// <summary>Asks until it is refused; how often it was let through.</summary>
    public static async Task<int> UseUpAsync(this DistributedRateLimiter limiter, Quota quota, string caller = "ann", int atMost = 10_000)
    {
        var passed = 0;
        while (passed < atMost && (await limiter.AskAsync(quota, caller)).IsAllowed)
        {
            passed++;
        }

        return passed;
    }
}
