using FsCheck;
using FsCheck.Fluent;
using Tenfold.Wire.Latency;

namespace Tenfold.Wire.Tests.Latency;

public sealed class LatencyHistogramTests
{
    private const long Hour = 3_600_000_000_000;

    // Every magnitude from 1 µs to 1 h is equally likely.
    private static readonly Gen<long> Nanoseconds =
        from exponent in Gen.Choose(0, 95)
        from mantissa in Gen.Choose(1000, 9999)
        select Math.Min(Hour, (long)(mantissa * Math.Pow(10, exponent / 10.0)));

    private static readonly Arbitrary<long[]> Samples = Nanoseconds.ArrayOf().Where(a => a.Length > 0).ToArbitrary();

    [Fact]
    public void Every_percentile_is_at_most_a_thousandth_above_the_sample_it_means() => Prop.ForAll(Samples, samples =>
    {
        var histogram = Of(samples);
        var sorted = samples.Order().ToArray();
        return new[] { 0, 1, 25, 50, 95, 99, 99.9, 100 }.All(p =>
        {
            var exact = sorted[Math.Max(0, (int)Math.Ceiling((decimal)p * sorted.Length / 100) - 1)];
            var measured = histogram.PercentileNanoseconds(p);
            return measured >= exact && measured <= exact * 1.001;
        });
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Merging_is_recording_everything_in_one() => Prop.ForAll(Samples, Samples, (left, right) =>
    {
        var merged = Of(left);
        merged.Merge(Of(right));
        var one = Of([.. left, .. right]);
        return merged.Count == one.Count && merged.Min == one.Min && merged.Max == one.Max && merged.Mean == one.Mean
            && Enumerable.Range(0, 101).All(p => merged.PercentileNanoseconds(p) == one.PercentileNanoseconds(p));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Min_max_and_mean_are_exact()
    {
        var histogram = new LatencyHistogram();
        foreach (var milliseconds in new[] { 7, 3, 11, 1234 })
        {
            histogram.Record(TimeSpan.FromMilliseconds(milliseconds));
        }

        Assert.Equal(4, histogram.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(3), histogram.Min);
        Assert.Equal(TimeSpan.FromMilliseconds(1234), histogram.Max);
        Assert.Equal(TimeSpan.FromMilliseconds(313.75), histogram.Mean);
    }

    [Fact]
    public void More_than_an_hour_counts_as_an_hour_and_as_clipped()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromHours(1));
        histogram.Record(TimeSpan.FromHours(2));
        histogram.Record(TimeSpan.MaxValue);

        Assert.Equal(3, histogram.Count);
        Assert.Equal(2, histogram.Clipped);
        Assert.Equal(TimeSpan.FromHours(1), histogram.Max);
        Assert.Equal(TimeSpan.FromHours(1), histogram.Mean);
        Assert.Equal(TimeSpan.FromHours(1), histogram.Percentile(50));
    }

    [Fact]
    public void A_clock_that_went_backwards_counts_as_zero()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMilliseconds(-5));
        Assert.Equal((1, TimeSpan.Zero), (histogram.Count, histogram.Max));
    }

    [Fact]
    public void Nothing_recorded_is_zero_everywhere()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero), (histogram.Min, histogram.Max, histogram.Mean, histogram.Percentile(99)));
    }

    [Fact]
    public void Samples_above_a_limit_are_counted()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 100; i++)
        {
            histogram.Record(TimeSpan.FromMilliseconds(i));
        }

        Assert.Equal(10, histogram.CountAbove(TimeSpan.FromMilliseconds(90)));
        Assert.Equal(0, histogram.CountAbove(TimeSpan.FromHours(3)));
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++)
        {
            histogram.Record(i * 1000L);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static LatencyHistogram Of(IEnumerable<long> samples)
    {
        var histogram = new LatencyHistogram();
        foreach (var sample in samples)
        {
            histogram.Record(sample);
        }

        return histogram;
    }
}
