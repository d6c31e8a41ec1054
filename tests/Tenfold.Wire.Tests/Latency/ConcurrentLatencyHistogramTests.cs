using FsCheck;
using FsCheck.Fluent;
using Tenfold.Wire.Latency;

namespace Tenfold.Wire.Tests.Latency;

public sealed class ConcurrentLatencyHistogramTests
{
    private static readonly Arbitrary<int[]> Microseconds = Gen.Choose(1, 2_000_000_000).ArrayOf().Where(a => a.Length > 0).ToArbitrary();

    [Fact]
    public void Every_percentile_is_at_most_a_hundredth_above_the_sample_it_means() => Prop.ForAll(Microseconds, samples =>
    {
        var snapshot = Of(samples).Snapshot();
        var sorted = samples.Order().ToArray();
        return new[] { 1, 50, 95, 100 }.All(p =>
        {
            double exact = sorted[(int)Math.Ceiling((decimal)p * sorted.Length / 100) - 1];
            var measured = snapshot.Percentile(p).TotalMicroseconds;
            return measured >= exact && measured <= exact * 1.01;
        });
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_difference_of_two_snapshots_is_what_came_between() => Prop.ForAll(Microseconds, Microseconds, (before, between) =>
    {
        var histogram = Of(before);
        var first = histogram.Snapshot();
        Add(histogram, between);
        var interval = histogram.Snapshot().Since(first);
        var expected = Of(between).Snapshot();
        return interval.Count == between.Length && interval.Sum == expected.Sum && interval.Percentile(95) == expected.Percentile(95)
            && interval.Plus(first).Count == before.Length + between.Length;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task No_sample_is_lost_between_threads()
    {
        var histogram = new ConcurrentLatencyHistogram();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 50_000; i++)
            {
                histogram.Record(TimeSpan.FromMicroseconds(i % 100));
            }
        })));

        var snapshot = histogram.Snapshot();
        Assert.Equal(200_000, snapshot.Count);
        Assert.Equal(TimeSpan.FromMicroseconds(49.5), snapshot.Mean);
    }

    [Fact]
    public void Prometheus_buckets_are_cumulative()
    {
        var histogram = new ConcurrentLatencyHistogram();
        foreach (var milliseconds in new[] { 0.2, 0.7, 3, 3, 40, 90_000 })
        {
            histogram.Record(TimeSpan.FromMilliseconds(milliseconds));
        }

        var snapshot = histogram.Snapshot();
        var counts = new long[LatencySnapshot.PrometheusBounds.Count];
        snapshot.CountAtOrBelow(LatencySnapshot.PrometheusBounds, counts);
        Assert.Equal([1, 2, 2, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5], counts);
        Assert.Equal(6, snapshot.Count);
    }

    [Fact]
    public void More_than_an_hour_counts_as_an_hour()
    {
        var histogram = new ConcurrentLatencyHistogram();
        histogram.Record(TimeSpan.MaxValue);
        Assert.Equal(TimeSpan.FromHours(1), histogram.Snapshot().Sum);
    }

    private static ConcurrentLatencyHistogram Of(IEnumerable<int> microseconds)
    {
        var histogram = new ConcurrentLatencyHistogram();
        Add(histogram, microseconds);
        return histogram;
    }

    private static void Add(ConcurrentLatencyHistogram histogram, IEnumerable<int> microseconds)
    {
        foreach (var sample in microseconds)
        {
            histogram.Record(TimeSpan.FromMicroseconds(sample));
        }
    }
}
