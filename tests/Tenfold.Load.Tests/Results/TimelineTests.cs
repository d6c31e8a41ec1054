using Tenfold.Load.Results;

namespace Tenfold.Load.Tests.Results;

public sealed class TimelineTests
{
    [Fact]
    public void A_request_counts_in_the_second_in_which_it_was_due()
    {
        var timeline = new Timeline();
        timeline.Record(TimeSpan.FromSeconds(0.2), Milliseconds(10), failed: false);
        timeline.Record(TimeSpan.FromSeconds(3.9), Milliseconds(500), failed: false);
        timeline.Record(TimeSpan.FromSeconds(3.1), null, failed: true);

        var points = timeline.Points.ToArray();

        Assert.Equal([(0, 1L, 0L), (3, 2L, 1L)], points.Select(point => ((int)point.At.TotalSeconds, point.Count, point.Errors)));
        Assert.InRange(points[0].P95!.Value.TotalMilliseconds, 10, 10.1);
        Assert.InRange(points[1].P95!.Value.TotalMilliseconds, 500, 505);
    }

    [Fact]
    public void The_best_rate_is_that_of_30_s_without_what_failed()
    {
        var timeline = new Timeline();
        for (var second = 0; second < 100; second++)
        {
            for (var i = 0; i < (second is >= 40 and < 70 ? 20 : second == 90 ? 300 : 2); i++)
            {
                timeline.Record(TimeSpan.FromSeconds(second), Milliseconds(1), failed: i == 0);
            }
        }

        Assert.Equal(19, timeline.BestRate());
    }

    [Fact]
    public void The_best_rate_of_a_short_test_is_over_all_of_it()
    {
        var timeline = new Timeline();
        timeline.Record(TimeSpan.Zero, Milliseconds(1), failed: false);
        timeline.Record(TimeSpan.FromSeconds(1.5), Milliseconds(1), failed: false);
        timeline.Record(TimeSpan.FromSeconds(1.5), Milliseconds(1), failed: false);

        Assert.Equal(1.5, timeline.BestRate());
        Assert.Equal(0, new Timeline().BestRate());
    }

    [Fact]
    public void A_second_without_an_answer_has_no_latency()
    {
        var timeline = new Timeline();
        timeline.Record(TimeSpan.Zero, null, failed: true);

        Assert.Equal(new TimelinePoint(TimeSpan.Zero, 1, 1, null, null, null), timeline.Points.Single());
    }

    [Fact]
    public void Percentiles_are_those_of_the_second()
    {
        var timeline = new Timeline();
        foreach (var n in Enumerable.Range(1, 100))
        {
            timeline.Record(TimeSpan.FromSeconds(5), Milliseconds(n), failed: false);
        }

        var point = timeline.Points.Single();

        Assert.InRange(point.P50!.Value.TotalMilliseconds, 50, 50.5);
        Assert.InRange(point.P95!.Value.TotalMilliseconds, 95, 96);
        Assert.InRange(point.P99!.Value.TotalMilliseconds, 99, 100);
    }

    [Fact]
    public void A_long_test_has_wider_slots_and_loses_nothing()
    {
        var timeline = new Timeline();
        for (var second = 0; second < 10_000; second++)
        {
            timeline.Record(TimeSpan.FromSeconds(second), Milliseconds(second % 7), failed: second % 10 == 0);
        }

        var points = timeline.Points.ToArray();

        Assert.Equal(TimeSpan.FromSeconds(16), timeline.Step);
        Assert.InRange(points.Length, 450, 900);
        Assert.Equal((10_000, 1_000), (points.Sum(point => point.Count), points.Sum(point => point.Errors)));
        Assert.All(points.SkipLast(1), point => Assert.Equal(16, point.Count));
    }

    [Fact]
    public void Those_of_several_threads_are_one_whatever_their_slots()
    {
        var (longer, shorter) = (new Timeline(), new Timeline());
        longer.Record(TimeSpan.FromSeconds(1_000), Milliseconds(5), failed: false);
        shorter.Record(TimeSpan.FromSeconds(3), Milliseconds(5), failed: true);

        longer.Merge(shorter);
        shorter.Merge(longer);

        Assert.Equal([(2, 1L), (1_000, 1L)], longer.Points.Select(point => ((int)point.At.TotalSeconds, point.Count)));
        Assert.Equal([(2, 2L), (1_000, 1L)], shorter.Points.Select(point => ((int)point.At.TotalSeconds, point.Count)));
    }

    private static long Milliseconds(double n) => (long)(n * 1_000_000);
}
