using Tenfold.RateLimiting.Tests.Support;

namespace Tenfold.RateLimiting.Tests.Deciding;

/// <summary>Requests that come at the same time share round trips, and nothing else.</summary>
public sealed class CombinerTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly Quota _ten = new("ten", 10, TimeSpan.FromHours(1));
    private readonly Quota _many = new("many", 1000, TimeSpan.FromDays(365));

    [Fact]
    public async Task Requests_that_come_together_are_decided_in_few_round_trips_each_by_itself()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_ten, _many]);
        QuotaCheck[] both = [new(_ten, Caller.Of("both")), new(_many, Caller.Everyone)];

        var hot = new List<Task<RateLimitDecision>>();
        var joint = new List<Task<RateLimitDecision>>();
        var others = new List<Task<RateLimitDecision>>();
        for (var i = 0; i < 200; i++)
        {
            hot.Add(limiter.AskAsync(_ten, "hot").AsTask());
            joint.Add(limiter.DecideAsync(both).AsTask());
            others.Add(limiter.AskAsync(i % 2 == 0 ? _ten : _many, $"other-{i}", cost: 1 + (i % 3)).AsTask());
        }

        Assert.Equal(10, (await Task.WhenAll(hot)).Count(decision => decision.IsAllowed));
        Assert.Equal(10, (await Task.WhenAll(joint)).Count(decision => decision.IsAllowed));
        var passed = await Task.WhenAll(others);
        Assert.All(passed.Index(), one => Assert.Equal((true, (one.Index % 2 == 0 ? 10 : 1000) - 1 - (one.Index % 3)), (one.Item.IsAllowed, one.Item.Quotas[0].Remaining)));
        Assert.InRange(limiter.RoundTrips, 1, 300);
        Assert.Equal(990, (await limiter.DecideAsync(new[] { new QuotaCheck(_many, Caller.Everyone) }, cost: 0)).Quotas[0].Remaining);
    }

    [Fact]
    public async Task Who_is_told_and_then_blocks_holds_up_nobody()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_many]);
        using var go = new ManualResetEventSlim();
        var (first, done) = (0, 0);
        var callers = Enumerable.Range(0, 60).Select(i => Task.Run(async () =>
        {
            await limiter.AskAsync(_many, $"caller-{i}").ConfigureAwait(false);
            if (Interlocked.Exchange(ref first, 1) == 0)
            {
                Assert.True(go.Wait(TimeSpan.FromSeconds(60)));
            }

            await limiter.AskAsync(_many, $"caller-{i}").ConfigureAwait(false);
            Interlocked.Increment(ref done);
        })).ToArray();

        await Limiters.UntilAsync(() => Volatile.Read(ref done) == 59, "all but the one that blocks have been told twice");
        go.Set();
        await Task.WhenAll(callers);
    }

    [Fact]
    public async Task When_redis_dies_in_the_middle_everybody_is_decided_and_the_limit_holds()
    {
        await using var server = await TestSupport.RedisServer.StartAsync();
        await using var limiter = await Limiters.OnAsync(server, [_many]);
        await limiter.AskAsync(_many);
        server.Suspend();
        var waiting = Enumerable.Range(0, 500).Select(_ => limiter.AskAsync(_many).AsTask()).ToList();

        await server.KillAsync();
        Assert.All(await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(60)), decision => Assert.True(decision.IsAllowed));
        var passed = 501 + (await Task.WhenAll(Enumerable.Range(0, 800).Select(_ => limiter.AskAsync(_many).AsTask()))).Count(decision => decision.IsAllowed);

        Assert.Equal(1000, passed);
    }
}
