using FsCheck;
using FsCheck.Fluent;
using Tenfold.RateLimiting.Arithmetic;

namespace Tenfold.RateLimiting.Tests.Arithmetic;

public sealed class GcraTests
{
    private const long Second = 1_000_000;
    private const long Start = 1_790_000_000 * Second;

    [Fact]
    public void A_burst_passes_at_once_and_then_one_an_interval()
    {
        var caller = new OneCaller(GcraRate.Of(10, TimeSpan.FromSeconds(10), 3, TimeSpan.Zero));

        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => caller.Ask(Start)));
        Assert.False(caller.Ask(Start + Second - 1));
        Assert.True(caller.Ask(Start + Second));
        Assert.False(caller.Ask(Start + Second));
    }

    [Fact]
    public void Waiting_as_long_as_a_refusal_says_is_enough_and_a_microsecond_less_is_not() => Check(rate => times =>
    {
        var caller = new OneCaller(rate with { Block = 0 });
        var now = Start;
        foreach (var time in times)
        {
            now += time;
            if (!caller.Ask(now))
            {
                var wait = caller.Verdict.Wait;
                Assert.False(caller.Ask(now + wait - 1));
                Assert.True(caller.Ask(now + wait));
                now += wait;
            }
        }
    });

    [Fact]
    public void In_any_window_no_more_pass_than_the_burst_and_what_is_earned_back() => Check(rate => times =>
    {
        var caller = new OneCaller(rate);
        var passed = new List<long>();
        var now = Start;
        foreach (var time in times)
        {
            now += time;
            if (caller.Ask(now))
            {
                passed.Add(now);
            }
        }

        for (var from = 0; from < passed.Count; from++)
        {
            for (var to = from; to < passed.Count; to++)
            {
                Assert.True(to - from + 1 <= rate.Burst + ((passed[to] - passed[from]) / rate.Interval));
            }
        }
    });

    [Fact]
    public void A_refused_request_uses_nothing_up_and_a_peek_never_does() => Check(rate => times =>
    {
        var (once, often) = (new OneCaller(rate with { Block = 0 }), new OneCaller(rate with { Block = 0 }));
        var now = Start;
        foreach (var time in times)
        {
            now += time;
            var passes = once.Ask(now);
            Assert.Equal(passes, often.Ask(now, cost: 0));
            Assert.Equal(passes, often.Ask(now));
            if (!passes)
            {
                often.Ask(now);
            }

            Assert.Equal(once.State, often.State);
        }
    });

    [Fact]
    public void What_remains_is_what_passes() => Check(rate => times =>
    {
        var caller = new OneCaller(rate with { Block = 0 });
        var now = Start;
        foreach (var time in times.Take(20))
        {
            now += time;
            caller.Ask(now);
            var remaining = caller.Verdict.Remaining(caller.Rate);
            for (var i = 0; i < Math.Min(remaining, 50); i++)
            {
                Assert.True(caller.Ask(now));
            }

            Assert.True(remaining > 50 || !caller.Ask(now));
        }
    });

    [Fact]
    public void Several_limits_pass_together_or_use_nothing_up()
    {
        GcraRate[] rates = [GcraRate.Of(5, TimeSpan.FromSeconds(5), 5, TimeSpan.Zero), GcraRate.Of(2, TimeSpan.FromSeconds(60), 2, TimeSpan.Zero)];
        var states = new GcraState[2];
        var verdicts = new GcraVerdict[2];

        Assert.True(Gcra.Decide(rates, states, Start, 1, verdicts));
        Assert.True(Gcra.Decide(rates, states, Start, 1, verdicts));
        var before = states.ToArray();
        Assert.False(Gcra.Decide(rates, states, Start, 1, verdicts));

        Assert.Equal(before, states);
        Assert.Equal((0, 30 * Second), (verdicts[0].Wait, verdicts[1].Wait));
        Assert.Equal((3, 0), (verdicts[0].Remaining(rates[0]), verdicts[1].Remaining(rates[1])));
    }

    [Fact]
    public void Who_is_over_a_limit_with_a_block_is_refused_until_it_ends_and_not_longer()
    {
        var caller = new OneCaller(GcraRate.Of(10, TimeSpan.FromSeconds(1), 2, TimeSpan.FromSeconds(60)));
        caller.Ask(Start);
        caller.Ask(Start);

        Assert.False(caller.Ask(Start));
        Assert.Equal(60 * Second, caller.Verdict.Wait);
        Assert.False(caller.Ask(Start + (30 * Second)));
        Assert.Equal(30 * Second, caller.Verdict.Wait);
        Assert.Equal(0, caller.Verdict.Remaining(caller.Rate));
        Assert.True(caller.Ask(Start + (60 * Second)));
    }

    [Fact]
    public void A_block_that_is_shorter_than_the_backlog_does_not_give_the_quota_back()
    {
        var caller = new OneCaller(GcraRate.Of(2, TimeSpan.FromSeconds(1000), 2, TimeSpan.FromSeconds(1)));
        caller.Ask(Start);
        caller.Ask(Start);
        Assert.False(caller.Ask(Start));

        Assert.False(caller.Ask(Start + (2 * Second)));
        Assert.True(caller.Ask(Start + (501 * Second)));
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public void A_clock_that_steps_by_an_hour_keeps_nobody_out_for_an_hour(int seconds)
    {
        var caller = new OneCaller(GcraRate.Of(10, TimeSpan.FromSeconds(10), 10, TimeSpan.Zero));
        for (var i = 0; i < 10; i++)
        {
            caller.Ask(Start);
        }

        var after = Start + (seconds * Second);
        caller.Ask(after);
        Assert.True(caller.Verdict.Wait <= Second);
    }

    [Fact]
    public void A_rate_that_is_no_whole_number_of_microseconds_is_rounded_to_the_strict_side() =>
        Check(_ => times =>
        {
            var limit = 1 + (times.Sum() % 100_000);
            var rate = GcraRate.Of(limit, TimeSpan.FromSeconds(1), limit, TimeSpan.Zero);
            Assert.True(rate.Interval * limit >= Second);
            Assert.True((rate.Interval - 1) * limit < Second);
        });

    [Theory]
    [InlineData(100, 0.05, 5)]
    [InlineData(3, 0.05, 1)]
    [InlineData(10, 1, 10)]
    public void A_share_keeps_at_least_one_and_never_rounds_up(long burst, double share, long expected)
    {
        var rate = GcraRate.Of(100, TimeSpan.FromSeconds(100), burst, TimeSpan.Zero);

        var part = rate.Share(share);

        Assert.Equal(expected, part.Burst);
        Assert.Equal((long)(Second / share), part.Interval);
    }

    private static void Check(Func<GcraRate, Action<int[]>> property)
    {
        var rates = from interval in Gen.Choose(1, 2_000_000)
                    from burst in Gen.Choose(1, 40)
                    from block in Gen.Choose(0, 1)
                    select new GcraRate(interval, (long)interval * burst, block * 5 * interval);
        var cases = from rate in rates
                    from times in Gen.Choose(0, (int)Math.Min(int.MaxValue, rate.Interval * 3)).Or(Gen.Constant(0)).ArrayOf(120)
                    select (rate, times);
        Prop.ForAll(cases.ToArbitrary(), pair => property(pair.rate)(pair.times)).QuickCheckThrowOnFailure();
    }

    private sealed class OneCaller(GcraRate rate)
    {
        private readonly GcraState[] _state = new GcraState[1];
        private readonly GcraVerdict[] _verdict = new GcraVerdict[1];

        public GcraRate Rate => rate;

        public GcraState State => _state[0];

        public GcraVerdict Verdict => _verdict[0];

        public bool Ask(long now, long cost = 1) => Gcra.Decide([rate], _state, now, cost, _verdict);
    }
}
