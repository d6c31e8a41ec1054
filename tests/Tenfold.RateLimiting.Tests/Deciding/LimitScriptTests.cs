using Tenfold.RateLimiting.Arithmetic;
using Tenfold.RateLimiting.Deciding;
using Tenfold.RateLimiting.Tests.Support;
using Tenfold.Redis;

namespace Tenfold.RateLimiting.Tests.Deciding;

/// <summary>The script says what the pure function says, over histories of several callers, with a clock that the test sets and steps.</summary>
public sealed class LimitScriptTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly RedisScript _script = new(LimitScript.Text.Replace(LimitScript.Clock, "{ARGV[#ARGV], 0}", StringComparison.Ordinal)
        .Replace("time[1] * 1000000 + time[2]", "tonumber(time[1])", StringComparison.Ordinal)
        .Replace("math.ceil(math.max(backlog, blocked) / 1000)", "3600000", StringComparison.Ordinal)); // the server's clock goes on as it does

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task It_decides_as_the_pure_function_does(int seed)
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        var random = new Random(seed);
        GcraRate[] rates = [.. Enumerable.Range(0, 1 + (seed % 3)).Select(_ =>
        {
            var interval = random.NextInt64(1, 3_000_000);
            return new GcraRate(interval, interval * random.Next(1, 12), random.Next(3) == 0 ? interval * 4 : 0);
        })];
        var states = new GcraState[rates.Length];
        var verdicts = new GcraVerdict[rates.Length];
        var now = 1_790_000_000_000_000L;
        for (var step = 0; step < 400; step++)
        {
            // Mostly onwards; now and then the server's clock is set by an hour.
            now += random.Next(40) == 0 ? random.NextInt64(-3_600_000_000, 3_600_000_000) : random.NextInt64(0, rates[0].Interval * 2);
            var cost = random.Next(6) == 0 ? random.Next(0, 4) : 1;

            var allowed = Gcra.Decide(rates, states, now, cost, verdicts);
            RedisArgument[] arguments = [cost, .. rates.SelectMany(rate => new RedisArgument[] { rate.Interval, rate.Tolerance, rate.Block, 0, 0, 0 }), now];
            var reply = await redis.EvaluateAsync(_script, [.. rates.Select((_, i) => new RedisKey($"{{s{seed}}}:{i}"))], arguments);

            Assert.Equal(
                [allowed ? 1 : 0, .. verdicts.SelectMany(verdict => new[] { verdict.Wait, verdict.Backlog, verdict.Blocked })],
                reply.Items.ToArray().Select(item => item.Integer));
        }
    }

    [Fact]
    public async Task A_caller_is_kept_until_nothing_of_it_matters_any_more()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        await redis.EvaluateAsync(new RedisScript(LimitScript.Text), ["{k}"], [1, 1_000_000, 10_000_000, 0, 0, 0, 0]);

        Assert.InRange(await redis.TimeToLiveAsync("{k}"), 1, 1000);
    }

    [Fact]
    public async Task What_the_process_knows_counts_where_redis_knows_less()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        var reply = await redis.EvaluateAsync(new RedisScript(LimitScript.Text), ["{fresh}"], [1, 1_000_000, 3_000_000, 0, 3_000_000, 0, 0]);

        Assert.Equal([0, 1_000_000, 3_000_000, 0], reply.Items.ToArray().Select(item => item.Integer));
    }

    [Fact]
    public async Task What_insurance_let_through_is_added_once_even_when_the_request_is_refused()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        var script = new RedisScript(LimitScript.Text);
        RedisArgument[] plain = [1, 1_000_000_000, 10_000_000_000, 0, 0, 0, 0];
        await redis.EvaluateAsync(script, ["{owed}"], plain);

        var told = await redis.EvaluateAsync(script, ["{owed}"], [1, 1_000_000_000, 10_000_000_000, 0, 0, 0, 8_500_000_000]);
        Assert.Equal(0, told.Items.Span[0].Integer);
        var next = await redis.EvaluateAsync(script, ["{owed}"], plain);

        Assert.Equal(0, next.Items.Span[0].Integer);
        Assert.InRange(next.Items.Span[2].Integer, 9_400_000_000, 9_500_000_000);
    }
}
