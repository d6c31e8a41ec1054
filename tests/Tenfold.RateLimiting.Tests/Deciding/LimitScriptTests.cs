using System.Text;
using Tenfold.RateLimiting.Arithmetic;
using Tenfold.RateLimiting.Deciding;
using Tenfold.RateLimiting.Tests.Support;
using Tenfold.Redis;

namespace Tenfold.RateLimiting.Tests.Deciding;

/// <summary>The script says what the pure function says, over histories of several callers, with a clock that the test sets and steps.</summary>
public sealed class LimitScriptTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const long Hour = 3_600_000_000;

    private readonly RedisScript _real = new(LimitScript.Text);
    private readonly RedisScript _steered = new(LimitScript.Text.Replace(LimitScript.Clock, "{ARGV[2], 0}", StringComparison.Ordinal)
        .Replace("time[1] * 1000000 + time[2]", "tonumber(time[1])", StringComparison.Ordinal)
        .Replace("math.ceil(time / 1000)", "3600000", StringComparison.Ordinal)); // the server's clock goes on as it does

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 20)]
    [InlineData(4, 20)]
    public async Task It_decides_as_the_pure_function_does_each_request_after_the_other(int seed, int together)
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        var random = new Random(seed);
        GcraRate[] rates = [.. Enumerable.Range(0, 1 + (seed % 3)).Select(_ =>
        {
            var interval = random.NextInt64(1, 3_000_000);
            return new GcraRate(interval, interval * random.Next(1, 12), random.Next(3) == 0 ? interval * 4 : 0);
        })];
        RedisKey[] keys = [.. rates.Select((_, i) => new RedisKey($"{{s{seed}}}:{i}"))];
        var states = new GcraState[rates.Length];
        var now = 1_790_000_000_000_000L;
        for (var step = 0; step < 400 / together; step++)
        {
            // Mostly onwards; now and then the server's clock is set by an hour.
            now += random.Next(40) == 0 ? random.NextInt64(-Hour, Hour) : random.NextInt64(0, rates[0].Interval * 2);
            var costs = Enumerable.Range(0, together).Select(_ => random.Next(6) == 0 ? random.Next(0, 4) : 1).ToArray();
            var expected = new List<long>();
            foreach (var cost in costs)
            {
                var verdicts = new GcraVerdict[rates.Length];
                expected.Add(Gcra.Decide(rates, states, now, cost, verdicts) ? 1 : 0);
                expected.AddRange(verdicts.SelectMany(verdict => new[] { verdict.Backlog, verdict.Blocked }));
            }

            var ask = costs.SelectMany(cost => (long[])[rates.Length, cost, .. rates.SelectMany((rate, i) => new[] { i + 1, rate.Interval, rate.Tolerance, rate.Block, 0, 0, 0 })]);

            Assert.Equal(expected, Unpack(await redis.EvaluateAsync(_steered, keys, [Pack([.. ask]), now])));
        }
    }

    [Fact]
    public async Task A_caller_is_kept_until_nothing_of_it_matters_any_more()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        await AskAsync(redis, "{k}", 1_000_000, 10_000_000);

        Assert.InRange(await redis.TimeToLiveAsync("{k}"), 1, 1000);
    }

    [Fact]
    public async Task What_the_process_knows_counts_where_redis_knows_less()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));

        Assert.Equal((long[])[0, 3_000_000, 0], await AskAsync(redis, "{fresh}", 1_000_000, 3_000_000, backlog: 3_000_000));
    }

    [Fact]
    public async Task How_long_the_way_to_redis_took_is_not_counted()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        await AskAsync(redis, "{way}", 1000, Hour);
        var before = await AskAsync(redis, "{way}", 1000, Hour);
        for (var i = 0; i < 50; i++)
        {
            await AskAsync(redis, "{way}", 1000, Hour, backlog: before[1] + 9000);
        }

        // 50 requests of 1 ms each, less what was earned back meanwhile; not 9 ms more.
        Assert.InRange((await AskAsync(redis, "{way}", 1000, Hour))[1], 0, 53_000);
    }

    [Fact]
    public async Task What_insurance_let_through_is_added_once_even_when_the_request_is_refused()
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        await AskAsync(redis, "{owed}", Hour, 10 * Hour);

        var told = await AskAsync(redis, "{owed}", Hour, 10 * Hour, owed: (8 * Hour) + (Hour / 2));
        Assert.Equal(0, told[0]);
        var next = await AskAsync(redis, "{owed}", Hour, 10 * Hour);

        Assert.Equal(0, next[0]);
        Assert.InRange(next[1], 9 * Hour, (9 * Hour) + (Hour / 2));
    }

    [Theory]
    [InlineData("")]
    [InlineData("12.5 x")]
    [InlineData("garbage!")]
    [InlineData("sixteen letters.")]
    [InlineData("\u007f\u0070\0\0\0\0\0\0")]
    public async Task A_value_of_somebody_else_keeps_nobody_out_for_good_and_fails_nobody(string value)
    {
        await using var redis = new RedisClient(RedisOptions.Parse(fixture.Server.Url));
        await redis.SetAsync("{odd}", Encoding.Latin1.GetBytes(value));
        await redis.ExecuteAsync(["DEL", "{list}"]);
        await redis.ExecuteAsync(["RPUSH", "{list}", "a"]);

        Assert.InRange((await AskAsync(redis, "{odd}", 1000, 3000))[1], 0, 3000);
        Assert.Equal((long[])[1, 1000, 0], await AskAsync(redis, "{list}", 1000, 3000));
    }

    private async Task<long[]> AskAsync(RedisClient redis, string key, long interval, long tolerance, long backlog = 0, long owed = 0) =>
        Unpack(await redis.EvaluateAsync(_real, [key], [Pack([1, 1, 1, interval, tolerance, 0, backlog, 0, owed])]));

    private static byte[] Pack(long[] numbers)
    {
        var bytes = new byte[PackedNumbers.HeadLength + (numbers.Length * PackedNumbers.MaxLength)];
        var length = PackedNumbers.WriteHead(bytes, numbers.Length);
        foreach (var number in numbers)
        {
            length += PackedNumbers.Write(bytes.AsSpan(length), number);
        }

        return bytes[..length];
    }

    private static long[] Unpack(RedisReply reply)
    {
        ReadOnlySpan<byte> rest = reply.Bytes;
        var numbers = new long[PackedNumbers.ReadHead(ref rest)];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = PackedNumbers.Read(ref rest);
        }

        Assert.True(rest.IsEmpty);
        return numbers;
    }
}
