using Tenfold.Scaling.Tests.Support;
using Tenfold.Scaling.Windows;

namespace Tenfold.Scaling.Tests.Windows;

public sealed class TimeWindowTests
{
    [Fact]
    public void Largest_smallest_sum_and_average_are_those_of_the_time()
    {
        var window = new TimeWindow(Seen.Seconds(60)).With(Seen.Seconds(0), 9).With(Seen.Seconds(10), 1, 2).With(Seen.Seconds(20), 4, 4);

        Assert.Equal(9, window.MostAfter(Seen.Seconds(-1), 0));
        Assert.Equal(4, window.MostAfter(Seen.Seconds(0), 0)); // what was exactly then is out
        Assert.Equal(1, window.LeastAfter(Seen.Seconds(0), 100));
        Assert.Equal(18, window.SumAfter(Seen.Seconds(0)));
        Assert.Equal(3, window.AverageOf(Seen.Seconds(0), Seen.Seconds(20)));
        Assert.Equal(1, window.AverageOf(Seen.Seconds(0), Seen.Seconds(10)));
        Assert.Null(window.AverageOf(Seen.Seconds(20), Seen.Seconds(30)));
    }

    [Fact]
    public void What_is_older_than_the_window_is_forgotten() =>
        Assert.Equal(3, new TimeWindow(Seen.Seconds(60)).With(Seen.Seconds(0), 9).With(Seen.Seconds(61), 3).MostAfter(Seen.Seconds(-100), 0));

    [Fact]
    public void A_day_of_samples_ten_times_a_second_stays_small_and_right()
    {
        var window = new TimeWindow(TimeSpan.FromMinutes(5));
        for (var i = 0; i < 10_000; i++)
        {
            window = window.With(Seen.Seconds(i / 10.0), i);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        window = window.With(Seen.Seconds(1000), 5);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 1, 5_000);
        Assert.Equal(9999, window.MostAfter(Seen.Seconds(700), 0));
        Assert.InRange(window.LeastAfter(Seen.Seconds(700), 1e9), 5, 5);
        Assert.InRange(window.SumAfter(Seen.Seconds(700)), 0.98 * 3000 * 8500, 1.02 * 3000 * 8500);
    }
}
