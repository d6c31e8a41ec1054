using Tenfold.RateLimiting.Tests.Support;
using Tenfold.Redis;

namespace Tenfold.RateLimiting.Tests;

public sealed class DistributedRateLimiterTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly Quota _ten = new("ten", 10, TimeSpan.FromHours(1));

    [Fact]
    public async Task It_lets_the_burst_through_and_says_what_is_left()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten]);

        var first = await limiter.AskAsync(_ten);
        Assert.True(first.IsAllowed);
        Assert.Equal(DecisionSource.Redis, first.Source);
        Assert.Equal((9, TimeSpan.FromMinutes(6)), (first.Quotas[0].Remaining, first.Quotas[0].Reset));
        Assert.Equal(9, await limiter.UseUpAsync(_ten));
        var refused = await limiter.AskAsync(_ten);
        Assert.Equal(0, refused.Quotas[0].Remaining);
        Assert.InRange(refused.RetryAfter, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(6));
        Assert.True((await limiter.AskAsync(_ten, "bob")).IsAllowed);
    }

    [Fact]
    public async Task Whom_it_knows_to_be_over_it_refuses_without_asking_redis()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten]);
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        Assert.Equal(10, await limiter.UseUpAsync(_ten));
        var before = await CommandsAsync(redis);

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(DecisionSource.DenyCache, (await limiter.AskAsync(_ten)).Source);
        }

        Assert.InRange(await CommandsAsync(redis) - before, 0, 5); // the question itself, and pings
    }

    [Fact]
    public async Task A_denied_request_uses_nothing_up_under_any_limit()
    {
        var strict = new Quota("strict", 2, TimeSpan.FromHours(1));
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten, strict], "{all}");
        await using var other = await Limiters.OnAsync(fixture.Server, [_ten, strict], "{all}");
        QuotaCheck[] both = [new(_ten, Caller.Of("ann")), new(strict, Caller.Everyone)];
        Assert.True((await limiter.DecideAsync(both)).IsAllowed);
        Assert.True((await limiter.DecideAsync(both)).IsAllowed);

        for (var i = 0; i < 5; i++)
        {
            Assert.False((await limiter.DecideAsync(both)).IsAllowed);
            Assert.False((await other.DecideAsync(both)).IsAllowed);
        }

        Assert.Equal(8, await other.UseUpAsync(_ten));
    }

    [Fact]
    public async Task A_block_holds_for_every_process()
    {
        var blocking = new Quota("blocking", 3, TimeSpan.FromHours(1), block: TimeSpan.FromHours(1));
        await using var one = await Limiters.OnAsync(fixture.Server, [blocking], "{block}");
        await using var two = await Limiters.OnAsync(fixture.Server, [blocking], "{block}");
        await one.AskAsync(blocking, cost: 3);

        var refused = await one.AskAsync(blocking, cost: 3);
        Assert.Equal((false, TimeSpan.FromHours(1)), (refused.IsAllowed, refused.RetryAfter));
        var elsewhere = await two.AskAsync(blocking);
        Assert.False(elsewhere.IsAllowed);
        Assert.InRange(elsewhere.RetryAfter, TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task Many_tasks_on_several_limiters_let_through_exactly_the_burst()
    {
        var quota = new Quota("exact", 500, TimeSpan.FromDays(1));
        var limiters = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Limiters.OnAsync(fixture.Server, [quota], "{exact}")));

        var passed = await Task.WhenAll(Enumerable.Range(0, 64).Select(async i =>
        {
            var mine = 0;
            for (var n = 0; n < 50; n++)
            {
                mine += (await limiters[i % 4].AskAsync(quota)).IsAllowed ? 1 : 0;
            }

            return mine;
        }));

        Assert.Equal(500, passed.Sum());
        foreach (var limiter in limiters)
        {
            await limiter.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_clock_of_the_process_that_steps_by_an_hour_does_not_matter()
    {
        var time = new SteppingTime();
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten], time: time);
        Assert.Equal(5, await limiter.UseUpAsync(_ten, atMost: 5));
        time.Offset = TimeSpan.FromHours(1);
        Assert.Equal(3, await limiter.UseUpAsync(_ten, atMost: 3));
        time.Offset = TimeSpan.FromHours(-1);
        Assert.Equal(2, await limiter.UseUpAsync(_ten));
    }

    [Fact]
    public async Task Peeking_uses_nothing_up()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten]);
        for (var i = 0; i < 20; i++)
        {
            Assert.True((await limiter.AskAsync(_ten, cost: 0)).IsAllowed);
        }

        Assert.Equal(10, await limiter.UseUpAsync(_ten));
        Assert.False((await limiter.AskAsync(_ten, cost: 0)).IsAllowed);
    }

    [Fact]
    public async Task A_limit_of_somebody_else_is_a_mistake_of_the_caller()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten]);

        await Assert.ThrowsAsync<ArgumentException>(() => limiter.AskAsync(new Quota("ten", 10, TimeSpan.FromHours(1))).AsTask());
        await Assert.ThrowsAsync<ArgumentException>(() => limiter.DecideAsync(ReadOnlyMemory<QuotaCheck>.Empty).AsTask());
    }

    [Fact]
    public async Task A_request_that_costs_more_than_there_can_ever_be_is_refused_whoever_decides()
    {
        var yearly = new Quota("yearly", 1, TimeSpan.FromDays(366));
        await using var limiter = await Limiters.OnAsync(fixture.Server, [yearly]);
        await using var alone = new DistributedRateLimiter([yearly], new RateLimiterOptions());

        Assert.False((await limiter.AskAsync(yearly, cost: int.MaxValue)).IsAllowed);
        Assert.False((await alone.AskAsync(yearly, cost: int.MaxValue)).IsAllowed);
        Assert.True((await limiter.AskAsync(yearly)).IsAllowed);
        Assert.True((await alone.AskAsync(yearly)).IsAllowed);
    }

    [Fact]
    public async Task What_each_limit_said_is_counted_and_looks_are_not()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten]);
        await limiter.UseUpAsync(_ten, atMost: 4);
        await limiter.AskAsync(_ten, cost: 0);
        limiter.Peek([new QuotaCheck(_ten, Caller.Of("ann"))]);
        await limiter.AskAsync(_ten, "bob", cost: 11);

        Assert.Equal(4, limiter.Counts.Single(count => count is { Source: DecisionSource.Redis, Passed: true }).Requests);
        Assert.Equal(5, limiter.Counts.Sum(count => count.Requests));
        Assert.Equal(1, limiter.Counts.Where(count => !count.Passed).Sum(count => count.Requests));
    }

    [Fact]
    public void In_a_cluster_all_keys_must_be_in_one_slot()
    {
        var cluster = RedisOptions.Parse("redis://127.0.0.1:1?cluster=true");

        Assert.Throws<ArgumentException>(() => new DistributedRateLimiter([_ten], new RateLimiterOptions { Redis = cluster, KeyPrefix = "limits" }));
        Assert.Throws<ArgumentException>(() => new DistributedRateLimiter([_ten], new RateLimiterOptions { Redis = cluster, KeyPrefix = "{}limits" }));
    }

    private static async Task<long> CommandsAsync(RedisClient redis)
    {
        var info = (await redis.ExecuteAsync(["INFO", "stats"])).Text!;
        return long.Parse(info.Split('\n').First(line => line.StartsWith("total_commands_processed:", StringComparison.Ordinal))[25..].Trim());
    }

    private sealed class SteppingTime : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }
}
