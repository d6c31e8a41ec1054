namespace Tenfold.Wire.Latency;

/// <summary>
/// Latencies in constant memory (about 270 KB): three significant digits from 1 µs (and below) to 1 h. Longer samples
/// count as 1 h and in <see cref="Clipped"/>; negative ones count as 0. The buckets are HdrHistogram's (Gil Tene), 1,024
/// to a doubling.
/// </summary>
/// <remarks>Not thread-safe: one writer, no reader beside it. For several writers see <see cref="ConcurrentLatencyHistogram"/>.</remarks>
public sealed class LatencyHistogram
{
    private static readonly LogLinearScale Scale = new(10); // 1/1024 < 0.1%

    private readonly long[] _counts = new long[Scale.Length];
    private Int128 _sum;
    private long _min = long.MaxValue;
    private long _max;

    /// <summary>Number of samples.</summary>
    public long Count { get; private set; }

    /// <summary>Samples longer than 1 h, which are kept as 1 h.</summary>
    public long Clipped { get; private set; }

    /// <summary>Exact smallest sample; zero without samples.</summary>
    public TimeSpan Min => Count == 0 ? TimeSpan.Zero : FromNanoseconds(_min);

    /// <summary>Exact largest sample, at most 1 h; zero without samples.</summary>
    public TimeSpan Max => FromNanoseconds(_max);

    /// <summary>Exact mean; zero without samples.</summary>
    public TimeSpan Mean => Count == 0 ? TimeSpan.Zero : FromNanoseconds((long)(_sum / Count));

    /// <summary>Adds one sample. Does not allocate.</summary>
    public void Record(TimeSpan latency)
    {
        if (latency.Ticks > LogLinearScale.MaxNanoseconds / TimeSpan.NanosecondsPerTick)
        {
            Record(long.MaxValue);
            return;
        }

        Record(latency.Ticks * TimeSpan.NanosecondsPerTick);
    }

    /// <summary>Adds one sample in nanoseconds. Does not allocate.</summary>
    public void Record(long nanoseconds)
    {
        if (nanoseconds > LogLinearScale.MaxNanoseconds)
        {
            Clipped++;
            nanoseconds = LogLinearScale.MaxNanoseconds;
        }
        else if (nanoseconds < 0)
        {
            nanoseconds = 0;
        }

        _counts[Scale.IndexOf(nanoseconds)]++;
        Count++;
        _sum += nanoseconds;
        _min = Math.Min(_min, nanoseconds);
        _max = Math.Max(_max, nanoseconds);
    }

    /// <summary>Adds every sample of another histogram.</summary>
    public void Merge(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        Clipped += other.Clipped;
        _sum += other._sum;
        _min = Math.Min(_min, other._min);
        _max = Math.Max(_max, other._max);
    }

    /// <summary>
    /// The sample that <paramref name="percentile"/> (0–100) of all samples do not exceed, by nearest rank, at most 0.1%
    /// too large and never too small; zero without samples.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and 100.</exception>
    public TimeSpan Percentile(double percentile) => FromNanoseconds(PercentileNanoseconds(percentile));

    /// <summary><see cref="Percentile"/> in nanoseconds, not rounded to 100 ns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 0 and 100.</exception>
    public long PercentileNanoseconds(double percentile)
    {
        var rank = LogLinearScale.RankOf(percentile, Count);
        var bucket = LogLinearScale.BucketOfRank(_counts, rank);
        return bucket < 0 ? 0 : Math.Clamp(Scale.HighestOf(bucket), _min, _max);
    }

    /// <summary>How many samples are longer than <paramref name="limit"/>; a sample within 0.1% of it may count either way.</summary>
    public long CountAbove(TimeSpan limit)
    {
        long above = 0;
        for (var i = Scale.IndexOf(LogLinearScale.Clamp(limit)) + 1; i < _counts.Length; i++)
        {
            above += _counts[i];
        }

        return above;
    }

    private static TimeSpan FromNanoseconds(long nanoseconds) => new((nanoseconds + (TimeSpan.NanosecondsPerTick / 2)) / TimeSpan.NanosecondsPerTick);
}
