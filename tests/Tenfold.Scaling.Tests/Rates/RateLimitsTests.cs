using Tenfold.Guide;
using Tenfold.Scaling.Rates;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Rates;

public sealed class RateLimitsTests
{
    private static readonly ScaleRate AtOnce = new() { Window = TimeSpan.Zero };

    [Fact]
    public void In_goes_by_the_most_that_was_wished_in_its_window()
    {
        var player = new Player(AtOnce, new ScaleRate { Window = Seen.Seconds(300) });

        Assert.Equal(10, player.Wish(0, 10, 10));
        Assert.Equal(10, player.Wish(15, 10, 4));
        Assert.Equal(10, player.Wish(290, 10, 6));
        Assert.Equal(6, player.Wish(301, 10, 4)); // the wish for 10 is out of the window
        Assert.Equal(4, player.Wish(600, 6, 4));
    }

    [Fact]
    public void Out_goes_by_the_least_that_was_wished_in_its_window()
    {
        var player = new Player(new ScaleRate { Window = Seen.Seconds(60) }, AtOnce);

        Assert.Equal(2, player.Wish(0, 2, 2));
        Assert.Equal(2, player.Wish(30, 2, 8));
        Assert.Equal(6, player.Wish(61, 2, 6));
    }

    [Fact]
    public void A_wish_is_remembered_as_it_was_not_as_it_was_slowed_down()
    {
        var player = new Player(AtOnce, new ScaleRate { Window = Seen.Seconds(60) });

        Assert.Equal(10, player.Wish(0, 10, 2));
        Assert.Equal(2, player.Wish(61, 10, 2)); // had the first been remembered as 10, it were 10
    }

    [Fact]
    public void What_does_not_last_of_a_wish_is_not_kept_by_the_window()
    {
        var limits = new RateLimits(AtOnce, new ScaleRate { Window = Seen.Seconds(60) });
        (_, limits) = limits.Wish(Seen.Seconds(0), 4, 4, 4);
        (var surge, limits) = limits.Wish(Seen.Seconds(1), 4, 12, 8);

        Assert.Equal(12, surge.Count);
        Assert.Equal(8, limits.Wish(Seen.Seconds(2), 12, 5, 5).Slowed.Count);
    }

    [Fact]
    public void The_defaults_of_Kubernetes_double_or_add_four_in_15_s()
    {
        var hpa = new Scale { Min = 1, Max = 100, Algorithm = ScaleAlgorithm.Hpa, Metrics = [Seen.Cpu(0.5)] };
        var player = new Player(hpa.Outward, hpa.Inward);
        var counts = new List<int> { 1 };
        for (var second = 0; second < 75; second += 15)
        {
            counts.Add(player.Wish(second, counts[^1], 100));
        }

        Assert.Equal([1, 5, 10, 20, 40, 80], counts);
    }

    public static TheoryData<string, ScaleSelect, int[]> Outwards => new()
    {
        { "the larger", ScaleSelect.Max, [10, 20, 20, 20, 40] },
        { "the smaller", ScaleSelect.Min, [10, 14, 14, 14, 18] },
        { "none", ScaleSelect.Disabled, [10, 10, 10, 10, 10] },
    };

    [Theory]
    [MemberData(nameof(Outwards))]
    public void Of_several_limits_of_out_one_counts(string which, ScaleSelect select, int[] expected)
    {
        var player = new Player(new ScaleRate { Window = TimeSpan.Zero, Select = select, Policies = [new() { Percent = 100, Every = Seen.Seconds(30) }, new() { Instances = 4, Every = Seen.Seconds(30) }] }, AtOnce);
        var counts = new List<int> { 10 };
        foreach (var second in new[] { 0, 10, 20, 30 })
        {
            counts.Add(player.Wish(second, counts[^1], 1000));
        }

        Assert.True(expected.SequenceEqual(counts), $"{which}: {string.Join(' ', counts)}");
    }

    [Theory]
    [InlineData(ScaleSelect.Max)]
    [InlineData(ScaleSelect.Min)]
    public void From_none_a_percentage_allows_some(ScaleSelect select)
    {
        var player = new Player(new ScaleRate { Window = TimeSpan.Zero, Select = select, Policies = [new() { Percent = 100, Every = Seen.Seconds(30) }, new() { Instances = 4, Every = Seen.Seconds(30) }] }, AtOnce);

        Assert.InRange(player.Wish(0, 0, 10), 1, 4);
    }

    [Fact]
    public void In_takes_so_many_in_a_time()
    {
        var player = new Player(AtOnce, new ScaleRate { Window = TimeSpan.Zero, Policies = [new() { Percent = 50, Every = Seen.Seconds(60) }] });
        var counts = new List<int> { 20 };
        foreach (var second in new[] { 0, 30, 60, 119, 121 })
        {
            counts.Add(player.Wish(second, counts[^1], 1));
        }

        Assert.Equal([20, 10, 10, 5, 5, 2], counts);
    }

    [Fact]
    public void What_was_removed_meanwhile_counts_for_the_start_of_the_time()
    {
        // 10, less 6 a moment ago: the time began with 16, and may end with 20.
        var player = new Player(new ScaleRate { Window = TimeSpan.Zero, Policies = [new() { Instances = 4, Every = Seen.Seconds(60) }] }, AtOnce);

        Assert.Equal(10, player.Wish(0, 16, 10));
        Assert.Equal(20, player.Wish(30, 10, 50));
    }

    [Fact]
    public void A_limit_never_turns_a_direction()
    {
        // 20 were added within the time, far more than it allows: out stays, and does not go back.
        var player = new Player(new ScaleRate { Window = TimeSpan.Zero, Policies = [new() { Instances = 4, Every = Seen.Seconds(60) }] }, AtOnce);
        player.Changed(0, 10, 30);

        Assert.Equal(30, player.Wish(10, 30, 40));
    }

    [Fact]
    public void Cooldowns_hold_their_own_direction_only()
    {
        var player = new Player(new ScaleRate { Window = TimeSpan.Zero, Cooldown = Seen.Seconds(60) }, new ScaleRate { Window = TimeSpan.Zero, Cooldown = Seen.Seconds(180) });

        Assert.Equal(4, player.Wish(0, 2, 4));
        Assert.Equal(4, player.Wish(59, 4, 8));
        Assert.Equal(3, player.Wish(59, 4, 3));
        Assert.Equal(8, player.Wish(60, 3, 8));
        Assert.Equal(8, player.Wish(238, 8, 2));
        Assert.Equal(2, player.Wish(239, 8, 2));
    }

    private sealed class Player(ScaleRate outwards, ScaleRate inwards)
    {
        private RateLimits _rates = new(outwards, inwards);

        public int Wish(double second, int count, int wish)
        {
            var (slowed, next) = _rates.Wish(Seen.Seconds(second), count, wish, wish);
            _rates = next.Changed(Seen.Seconds(second), count, slowed.Count);
            return slowed.Count;
        }

        public void Changed(double second, int from, int to) => _rates = _rates.Changed(Seen.Seconds(second), from, to);
    }
}
