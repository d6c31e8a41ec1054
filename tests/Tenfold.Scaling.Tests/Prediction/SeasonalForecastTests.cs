using FsCheck;
using FsCheck.Fluent;
using Tenfold.Scaling.Prediction;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Prediction;

/// <summary>A season of 10 minutes in 60 slots of 10 s, seen each second.</summary>
public sealed class SeasonalForecastTests
{
    private const int Slots = 60, Length = 600;

    private static readonly Season Season = new(TimeSpan.FromSeconds(Length), TimeSpan.FromSeconds(10));

    [Fact]
    public void A_load_that_comes_back_is_expected_as_it_was()
    {
        var forecast = After(2, Peak);

        Assert.True(forecast.IsWhole);
        Assert.Equal(0, forecast.Error);
        Assert.Equal(100, Expected(forecast, 2 * Length, 100));
        Assert.Equal(700, Expected(forecast, 2 * Length, 310)); // the peak begins at 300 s
        Assert.Equal(100, Expected(forecast, (2 * Length) + 400, 20));
    }

    [Fact]
    public void A_whole_season_must_have_been_seen()
    {
        Assert.False(After(0.85, Peak).IsWhole);
        Assert.True(After(1, Peak).IsWhole);
        Assert.Null(After(1, Peak).Error);
        Assert.Equal(0, After(1.1, Peak).Error);
    }

    [Theory]
    [InlineData(1.3, 1.3)]
    [InlineData(0.7, 0.7)]
    [InlineData(9, 2)]     // not believed to be further off than twice
    [InlineData(0.01, 0.5)]
    public void A_day_with_another_level_moves_what_is_expected(double level, double expected)
    {
        var forecast = After(1.3, t => t < Length ? Peak(t) : Peak(t) * level);

        Assert.Equal(700 * expected, Expected(forecast, (int)(1.3 * Length), 130)!.Value, 0.1);
    }

    [Fact]
    public void A_peak_that_comes_earlier_is_not_taken_for_a_higher_level()
    {
        var forecast = After(1 + (29.0 / Slots), t => t < Length ? Peak(t) : Peak(t + 30)); // 30 s early, and 20 s of it were seen

        Assert.Equal(700, Expected(forecast, Length + 290, 60));
    }

    [Fact]
    public void Half_of_what_changes_for_good_is_learned_each_season()
    {
        // A peak at another place: at the old one it fades, at the new one it grows.
        var forecast = After(4, t => t < Length ? Peak(t) : Peak(t + 200));

        Assert.InRange(Expected(forecast, (4 * Length) + 320, 10)!.Value, 100, 200);
        Assert.InRange(Expected(forecast, (4 * Length) + 120, 10)!.Value, 600, 700);
    }

    [Fact]
    public void The_error_is_that_of_the_last_season_only()
    {
        // Noise in place of a season, and then a season.
        var random = new Random(7);
        var noise = Enumerable.Range(0, 181).Select(_ => 1000 * random.NextDouble()).ToArray();
        var lost = After(3, t => noise[t / 10]);
        var found = Continue(lost, 3 * Length, 8 * Length, Peak);

        Assert.InRange(lost.Error!.Value, 0.3, 10);
        Assert.InRange(found.Error!.Value, 0, 0.15);
    }

    [Fact]
    public void Slots_that_were_not_seen_leave_what_is_known_of_them()
    {
        var forecast = Continue(After(2, Peak), (2 * Length) + 305, 3 * Length, Peak); // a pause until after the peak has begun

        Assert.Equal(700, Expected(forecast, 3 * Length, 310));
        Assert.Equal(0, forecast.Error);
    }

    [Fact]
    public void An_average_over_a_long_pause_tells_of_no_slot()
    {
        var paused = After(2, Peak).With(Start.AddSeconds(3 * Length), TimeSpan.FromSeconds(Length), 5000);
        var forecast = Continue(paused, 3 * Length, 4 * Length, Peak);

        Assert.Equal(700, Expected(forecast, 4 * Length, 310));
        Assert.Equal(0, forecast.Error);
    }

    [Fact]
    public void A_clock_that_is_set_back_or_forward_does_no_harm()
    {
        var forecast = Continue(Continue(After(2, Peak), Length + 100, 2 * Length, Peak), 7 * Length, (7 * Length) + 50, Peak);

        Assert.Equal(700, Expected(forecast, (7 * Length) + 50, 300));
        Assert.InRange(forecast.Error!.Value, 0, 0.01);
    }

    [Fact]
    public void Nothing_at_all_is_expected_of_a_load_that_was_never_there()
    {
        var forecast = After(3, _ => 0);

        Assert.Equal((0, 0), (Expected(forecast, 3 * Length, 100), forecast.Error));
        Assert.Null(new SeasonalForecast(Season).Highest(Seen.Noon, Seen.Noon.AddHours(1)));
    }

    [Fact]
    public void Whatever_is_seen_the_forecast_is_a_number_and_no_higher_than_twice_the_highest_load() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyArray<PositiveInt>>(),
        loads =>
        {
            var most = loads.Get.Max(load => load.Get % 5000);
            var forecast = After(3, t => loads.Get[t / 10 % loads.Get.Length].Get % 5000);
            for (var t = 0; t < Length; t += 10)
            {
                Assert.InRange(Expected(forecast, (3 * Length) + t, 10)!.Value, 0, 2.0 * most);
            }

            Assert.InRange(forecast.Error!.Value, 0, 10);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    [Fact]
    public void A_second_costs_the_same_after_a_hundred_seasons()
    {
        var forecast = After(100, Peak);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Continue(forecast, 100 * Length, (100 * Length) + Length, Peak);
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Length;

        Assert.InRange(allocated, 1, 1000); // the season is copied once in a slot
    }

    private static double Peak(int t) => t % Length is >= 300 and < 400 ? 700 : 100;

    private static double? Expected(SeasonalForecast forecast, int from, int seconds) => forecast.Highest(Start.AddSeconds(from), Start.AddSeconds(from + seconds - 1));

    private static DateTimeOffset Start => Seen.Noon; // noon is where a season of 10 minutes begins

    private static SeasonalForecast After(double seasons, Func<int, double> load) => Continue(new SeasonalForecast(Season), 0, (int)(seasons * Length), load);

    // One second more than asked for, so that the last slot has ended.
    private static SeasonalForecast Continue(SeasonalForecast forecast, int from, int to, Func<int, double> load)
    {
        for (var t = from; t <= to; t++)
        {
            forecast = forecast.With(Start.AddSeconds(t + 1), TimeSpan.FromSeconds(1), load(t));
        }

        return forecast;
    }
}
