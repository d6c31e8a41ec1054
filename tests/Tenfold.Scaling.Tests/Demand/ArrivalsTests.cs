using Tenfold.Scaling.Demand;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Demand;

public sealed class ArrivalsTests
{
    [Fact]
    public void The_level_is_the_average_of_the_last_moments() => Assert.Equal(100, Of(1, 500, 95, 100, 105).Level);

    [Fact]
    public void A_jump_beyond_chance_counts_at_once() => Assert.InRange(Of(1, 100, 100, 100, 900).Level, 830, 850); // 900 - 2 x 30

    [Fact]
    public void A_jump_within_chance_does_not() => Assert.InRange(Of(1, 100, 100, 100, 115).Level, 104, 106);

    [Fact]
    public void A_steady_rise_is_a_slope() => Assert.Equal(7, Of(1, [.. Enumerable.Range(0, 60).Select(second => 100.0 + (7 * second))]).Slope, 3);

    [Fact]
    public void A_step_is_none_wherever_it_is_in_the_window()
    {
        for (var ago = 1; ago < 40; ago++)
        {
            Assert.Equal(0, Of(1, [.. Enumerable.Repeat(100.0, 60), .. Enumerable.Repeat(1000.0, ago)]).Slope, 9);
        }
    }

    [Fact]
    public void A_fall_is_none() => Assert.Equal(0, Of(1, [.. Enumerable.Range(0, 60).Select(second => 1000.0 - (7 * second))]).Slope);

    [Fact]
    public void Ups_and_downs_are_surprises_and_a_steady_load_is_none()
    {
        var steady = Of(1, [.. Enumerable.Repeat(600.0, 300)]);
        var waves = Of(1, [.. Enumerable.Range(0, 600).Select(second => 600 * (1 + (0.2 * Math.Sin(second / 5.0))))]);

        Assert.Equal(0, steady.Surprise);
        Assert.InRange(waves.Surprise, 0.3, 1);
    }

    [Fact]
    public void One_step_is_no_habit()
    {
        var step = Of(1, [.. Enumerable.Repeat(100.0, 300), .. Enumerable.Repeat(1000.0, 30)]);
        var later = Of(1, [.. Enumerable.Repeat(100.0, 300), .. Enumerable.Repeat(1000.0, 1500)]);

        Assert.InRange(step.Surprise, 0.1, 0.7);
        Assert.InRange(later.Surprise, 0, 0.15);
    }

    private static Arrivals Of(double over, params double[] rates)
    {
        var arrivals = new Arrivals();
        for (var i = 0; i < rates.Length; i++)
        {
            arrivals = arrivals.With(Seen.Seconds(1000 + (i * over)), Seen.Seconds(over), rates[i], Seen.Seconds(10));
        }

        return arrivals;
    }
}
