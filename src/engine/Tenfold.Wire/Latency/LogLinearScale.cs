using System.Numerics;

namespace Tenfold.Wire.Latency;

/// <summary>
/// Maps nanoseconds to buckets whose width grows with the value, as in HdrHistogram: exact below
/// 2^(<c>bits</c>+1) ns, then 2^<c>bits</c> equal buckets in every doubling, so that a bucket is never wider than
/// value / 2^<c>bits</c>. Immutable; thread-safe.
/// </summary>
internal readonly struct LogLinearScale(int bits)
{
    /// <summary>The largest value that is told apart: 1 h in nanoseconds.</summary>
    public const long MaxNanoseconds = 3_600_000_000_000;

    /// <summary>Number of buckets.</summary>
    public int Length => IndexOf(MaxNanoseconds) + 1;

    /// <summary>The bucket of a value between 0 and <see cref="MaxNanoseconds"/>.</summary>
    public int IndexOf(long nanoseconds)
    {
        // Below 2^(bits+1) the OR makes the exponent 0: one bucket a nanosecond.
        var exponent = BitOperations.Log2((ulong)nanoseconds | ((1UL << (bits + 1)) - 1)) - bits;
        return (exponent << bits) + (int)(nanoseconds >> exponent);
    }

    /// <summary>The largest value that falls into the bucket.</summary>
    public long HighestOf(int index)
    {
        var exponent = Math.Max(0, (index >> bits) - 1);
        long mantissa = index - (exponent << bits);
        return ((mantissa + 1) << exponent) - 1;
    }

    /// <summary>Nanoseconds of a duration, between 0 and <see cref="MaxNanoseconds"/>.</summary>
    public static long Clamp(TimeSpan duration) =>
        duration.Ticks >= MaxNanoseconds / TimeSpan.NanosecondsPerTick
            ? MaxNanoseconds
            : Math.Max(0, duration.Ticks) * TimeSpan.NanosecondsPerTick;

    /// <summary>
    /// Walks to the bucket that holds the sample of the given rank (1 = smallest); -1 when there are fewer samples.
    /// </summary>
    public static int BucketOfRank(ReadOnlySpan<long> counts, long rank)
    {
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= rank)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Rank (1 = smallest) of the sample that a percentile between 0 and 100 means, by nearest rank.</summary>
    public static long RankOf(double percentile, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(percentile);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percentile, 100);
        // decimal: 99.9 / 100 * 1000 must be 999, which binary fractions make 999.0000000000001.
        return Math.Clamp((long)Math.Ceiling((decimal)percentile * count / 100), 1, Math.Max(1, count));
    }
}
