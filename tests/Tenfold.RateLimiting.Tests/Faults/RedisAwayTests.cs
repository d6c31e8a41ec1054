using Tenfold.RateLimiting.Tests.Support;
using Tenfold.Redis;
using Tenfold.TestSupport;

namespace Tenfold.RateLimiting.Tests.Faults;

/// <summary>Whatever happens to Redis: no request fails, none waits for long, and the gate stays shut.</summary>
public sealed class RedisAwayTests
{
    private readonly Quota _ten = new("ten", 10, TimeSpan.FromHours(1));

    [Fact]
    public async Task Without_any_redis_a_process_allows_its_share()
    {
        var share = new Quota("share", 10, TimeSpan.FromHours(1), insurance: 0.25);
        await using var limiter = new DistributedRateLimiter([_ten, share], new RateLimiterOptions());

        Assert.True(limiter.IsInsured);
        Assert.Equal(10, await limiter.UseUpAsync(_ten));
        Assert.Equal(2, await limiter.UseUpAsync(share));
    }

    [Fact]
    public async Task A_redis_that_never_comes_up_is_no_error()
    {
        await using var limiter = new DistributedRateLimiter([_ten], new RateLimiterOptions { Redis = RedisOptions.Parse($"redis://127.0.0.1:{RedisServer.FreePort()}") });

        Assert.Equal(10, await limiter.UseUpAsync(_ten));
    }

    [Fact]
    public async Task Killing_redis_gives_nobody_a_fresh_quota_and_neither_does_its_coming_back_empty()
    {
        await using var server = await RedisServer.StartAsync();
        await using var limiter = await Limiters.OnAsync(server, [_ten]);
        Assert.Equal(4, await limiter.UseUpAsync(_ten, atMost: 4));

        await server.KillAsync();
        Assert.Equal(3, await limiter.UseUpAsync(_ten, atMost: 3));
        await server.StartAgainAsync();
        await BackAsync(limiter);

        Assert.Equal(3, await limiter.UseUpAsync(_ten));
    }

    [Fact]
    public async Task Under_fire_no_more_pass_than_the_limit_while_redis_dies_and_comes_back()
    {
        await using var server = await RedisServer.StartAsync();
        var quota = new Quota("fire", 2000, TimeSpan.FromDays(1));
        await using var limiter = await Limiters.OnAsync(server, [quota]);
        var (passed, stop) = (0, false);
        var shooters = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                if ((await limiter.AskAsync(quota)).IsAllowed)
                {
                    Interlocked.Increment(ref passed);
                }

                await Task.Delay(1);
            }
        })).ToArray();

        await Limiters.UntilAsync(() => Volatile.Read(ref passed) > 300, "some have passed");
        await server.KillAsync();
        await Limiters.UntilAsync(() => Volatile.Read(ref passed) > 900, "some have passed on insurance");
        await server.StartAgainAsync();
        await Limiters.UntilAsync(() => Volatile.Read(ref passed) >= 1900, "nearly all have passed");
        await Limiters.UntilAsync(() => !limiter.Peek([new QuotaCheck(quota, Caller.Of("ann"))]).IsAllowed, "the quota is used up");
        Volatile.Write(ref stop, true);
        await Task.WhenAll(shooters);

        Assert.InRange(passed, 1900, 2000);
    }

    [Fact]
    public async Task Flushing_redis_gives_nobody_a_fresh_quota()
    {
        await using var server = await RedisServer.StartAsync();
        await using var limiter = await Limiters.OnAsync(server, [_ten]);
        await using var redis = new RedisClient(RedisOptions.Parse(server.Url));
        Assert.Equal(6, await limiter.UseUpAsync(_ten, atMost: 6));

        await redis.ExecuteAsync(["FLUSHALL"]);

        Assert.Equal(4, await limiter.UseUpAsync(_ten));
    }

    [Fact]
    public async Task A_block_outlives_the_redis_that_it_was_kept_in()
    {
        await using var server = await RedisServer.StartAsync();
        var blocking = new Quota("blocking", 1, TimeSpan.FromHours(1), block: TimeSpan.FromHours(1));
        await using var limiter = await Limiters.OnAsync(server, [blocking]);
        await limiter.AskAsync(blocking);
        Assert.False((await limiter.AskAsync(blocking)).IsAllowed);

        await server.KillAsync();

        Assert.InRange((await limiter.AskAsync(blocking)).RetryAfter, TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task A_full_redis_that_evicts_nothing_is_as_good_as_away()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var limiter = await Limiters.OnAsync(server, [_ten]);
        await using var redis = new RedisClient(RedisOptions.Parse(server.Url));
        Assert.Equal(4, await limiter.UseUpAsync(_ten, atMost: 4));

        await redis.ExecuteAsync(["CONFIG", "SET", "maxmemory", "1"]);
        Assert.Equal(3, await limiter.UseUpAsync(_ten, atMost: 3));
        Assert.True(limiter.IsInsured);
        await redis.ExecuteAsync(["CONFIG", "SET", "maxmemory", "0"]);
        await BackAsync(limiter);

        Assert.Equal(3, await limiter.UseUpAsync(_ten));
    }

    [Fact]
    public async Task A_frozen_redis_is_waited_for_no_longer_than_patience_lasts_and_not_by_everybody()
    {
        await using var server = await RedisServer.StartAsync();
        await using var limiter = await Limiters.OnAsync(server, [_ten], patience: TimeSpan.FromMilliseconds(200));
        while ((await limiter.AskAsync(_ten, "somebody-else", cost: 0)).Source != DecisionSource.Redis)
        {
            await BackAsync(limiter); // a busy machine may be slower than patience lasts
        }

        server.Suspend();
        // It answers nobody until it is resumed, which is later than any of these.
        while ((await AskSoonAsync(limiter, "bob")).Source != DecisionSource.Insurance)
        {
        }

        var passed = 0;
        while ((await AskSoonAsync(limiter, "ann")).IsAllowed)
        {
            passed++;
        }

        Assert.Equal(10, passed);
        server.Resume();
        await BackAsync(limiter);
        Assert.False((await limiter.AskAsync(_ten)).IsAllowed);
    }

    private Task<RateLimitDecision> AskSoonAsync(DistributedRateLimiter limiter, string caller) => limiter.AskAsync(_ten, caller).AsTask().WaitAsync(TimeSpan.FromSeconds(15));

    // One that asks brings it back: nobody else looks after Redis.
    private async Task BackAsync(DistributedRateLimiter limiter)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        while (limiter.IsInsured)
        {
            await limiter.AskAsync(_ten, "somebody-else");
            await Task.Delay(20, limit.Token);
        }
    }
}
