namespace Tenfold.Wire.Latency;

/// <summary>
/// Latencies recorded by any number of threads at once, without a lock, in constant memory (about 37 KB): two
/// significant digits up to 1 h. It only grows; an interval is the difference of two snapshots.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ConcurrentLatencyHistogram
{
    internal static readonly LogLinearScale Scale = new(7); // 1/128 < 1%

    private readonly long[] _counts = new long[Scale.Length];
    private long _microseconds;

    /// <summary>Adds one sample; longer than 1 h counts as 1 h, negative as 0. Does not allocate.</summary>
    public void Record(TimeSpan latency)
    {
        var nanoseconds = LogLinearScale.Clamp(latency);
        Interlocked.Increment(ref _counts[Scale.IndexOf(nanoseconds)]);
        // Microseconds: a sum of nanoseconds of hour-long samples would overflow after 2.5 million of them.
        Interlocked.Add(ref _microseconds, (nanoseconds + 500) / 1000);
    }

    /// <summary>Adds what is recorded so far to sums of the same scale, and returns the sum of all samples in µs.</summary>
    internal long AddTo(Span<long> counts)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            counts[i] += Volatile.Read(ref _counts[i]);
        }

        return Volatile.Read(ref _microseconds);
    }

    /// <summary>
    /// Everything recorded so far. Samples recorded meanwhile may or may not be in it, and at most those make
    /// <see cref="LatencySnapshot.Sum"/> and <see cref="LatencySnapshot.Count"/> differ.
    /// </summary>
    public LatencySnapshot Snapshot()
    {
        var counts = new long[_counts.Length];
        long count = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            count += counts[i] = Volatile.Read(ref _counts[i]);
        }

        return new LatencySnapshot(counts, count, Volatile.Read(ref _microseconds));
    }
}

/// <summary>What a <see cref="ConcurrentLatencyHistogram"/> held at one moment, or between two. Immutable; thread-safe.</summary>
public sealed class LatencySnapshot
{
    /// <summary>No samples.</summary>
    public static readonly LatencySnapshot Empty = new(new long[ConcurrentLatencyHistogram.Scale.Length], 0, 0);

    private readonly long[] _counts;
    private readonly long _microseconds;

    internal LatencySnapshot(long[] counts, long count, long microseconds) =>
        (_counts, Count, _microseconds) = (counts, count, microseconds);

    /// <summary>Upper bounds for a Prometheus histogram, 0.5 ms to 60 s.</summary>
    public static IReadOnlyList<TimeSpan> PrometheusBounds { get; } =
    [
        .. new double[] { 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000 }.Select(TimeSpan.FromMilliseconds),
    ];

    /// <summary>Number of samples.</summary>
    public long Count { get; }

    /// <summary>All samples together, each rounded to 1 µs.</summary>
    public TimeSpan Sum => TimeSpan.FromMicroseconds(_microseconds);

    /// <summary>Mean; zero without samples.</summary>
    public TimeSpan Mean => Count == 0 ? TimeSpan.Zero : Sum / Count;

    /// <summary>Largest sample, at most 1% too large; zero without samples.</summary>
    public TimeSpan Max => Percentile(100);

    /// <summary>The sample that this share (0–100) of all samples do not exceed, at most 1% too large; zero without samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and 100.</exception>
    public TimeSpan Percentile(double percentile)
    {
        var rank = LogLinearScale.RankOf(percentile, Count);
        var bucket = Count == 0 ? -1 : LogLinearScale.BucketOfRank(_counts, rank);
        return bucket < 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds(Math.Min(ConcurrentLatencyHistogram.Scale.HighestOf(bucket), LogLinearScale.MaxNanoseconds) / 1000.0);
    }

    /// <summary>What came after an earlier snapshot of the same histogram.</summary>
    public LatencySnapshot Since(LatencySnapshot earlier) => Combine(earlier, -1);

    /// <summary>Both together, as for the instances of one service.</summary>
    public LatencySnapshot Plus(LatencySnapshot other) => Combine(other, 1);

    /// <summary>
    /// Prometheus buckets: for each bound how many samples are at or below it (<c>le</c>; a sample within 1% of a bound may
    /// count either way). <c>+Inf</c> is <see cref="Count"/>.
    /// </summary>
    /// <param name="bounds">Rising.</param>
    /// <param name="counts">As long as <paramref name="bounds"/>.</param>
    public void CountAtOrBelow(IReadOnlyList<TimeSpan> bounds, Span<long> counts)
    {
        ArgumentNullException.ThrowIfNull(bounds);
        var bucket = 0;
        long seen = 0;
        for (var i = 0; i < bounds.Count; i++)
        {
            var last = ConcurrentLatencyHistogram.Scale.IndexOf(LogLinearScale.Clamp(bounds[i]));
            for (; bucket <= last; bucket++)
            {
                seen += _counts[bucket];
            }

            counts[i] = seen;
        }
    }

    /// <summary>As <see cref="ConcurrentLatencyHistogram.AddTo"/>.</summary>
    internal long AddTo(Span<long> counts)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            counts[i] += _counts[i];
        }

        return _microseconds;
    }

    private LatencySnapshot Combine(LatencySnapshot other, int sign)
    {
        ArgumentNullException.ThrowIfNull(other);
        var counts = new long[_counts.Length];
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] = _counts[i] + (sign * other._counts[i]);
        }

        return new LatencySnapshot(counts, Count + (sign * other.Count), _microseconds + (sign * other._microseconds));
    }
}
