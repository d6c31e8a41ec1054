using System.Globalization;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// A 64-bit id, ordered by time, that carries its bucket, so that a row is found by its id alone. From the highest bit:
/// 0 · 41 bits of milliseconds since 2025-01-01 UTC (until September 2094) · 10 bits of bucket · 7 bits of instance · 5 bits of sequence.
/// Always positive; fits PostgreSQL's <c>bigint</c>. In JSON write it as a string: JavaScript's numbers hold 53 bits.
/// </summary>
/// <param name="Value">The id.</param>
public readonly record struct ShardId(long Value) : IComparable<ShardId>
{
    internal const int SequenceBits = 5;
    internal const int InstanceBits = 7;
    internal const int BucketBits = 10;

    /// <summary>Instances that can make ids at the same time.</summary>
    public const int Instances = 1 << InstanceBits;

    internal const long LastMillisecond = (1L << 41) - 1;

    /// <summary>Time 0 of ids.</summary>
    public static DateTimeOffset Start { get; } = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>When it was made, by the clock of its instance (a clock that was set back is not followed: the time goes on from where it was).</summary>
    public DateTimeOffset Time => Start.AddMilliseconds(Value >> (SequenceBits + InstanceBits + BucketBits));

    /// <summary>The bucket of its row.</summary>
    public int Bucket => (int)(Value >> (SequenceBits + InstanceBits)) & ((1 << BucketBits) - 1);

    /// <summary>Number of the instance that made it.</summary>
    public int Instance => (int)(Value >> SequenceBits) & (Instances - 1);

    public static bool operator <(ShardId left, ShardId right) => left.Value < right.Value;

    public static bool operator >(ShardId left, ShardId right) => left.Value > right.Value;

    public static bool operator <=(ShardId left, ShardId right) => left.Value <= right.Value;

    public static bool operator >=(ShardId left, ShardId right) => left.Value >= right.Value;

    /// <summary>The smallest id of a moment: ids made from then on are not below it. For paging by time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The moment is before 2025 or after September 2094.</exception>
    public static ShardId FirstAt(DateTimeOffset moment) => Of(MillisecondOf(moment) << SequenceBits, 0, 0);

    public int CompareTo(ShardId other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    internal static long MillisecondOf(DateTimeOffset moment)
    {
        var milliseconds = (long)Math.Floor((moment - Start).TotalMilliseconds);
        return milliseconds is >= 0 and <= LastMillisecond
            ? milliseconds
            : throw new ArgumentOutOfRangeException(nameof(moment), moment, "ids hold times from 2025-01-01 to September 2094, UTC; is this machine's clock set?");
    }

    /// <param name="tick">Millisecond and sequence, as one number.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="instance">The instance's number.</param>
    internal static ShardId Of(long tick, int bucket, int instance) => new(
        ((((tick >> SequenceBits << BucketBits) | (long)bucket) << InstanceBits) | (long)instance) << SequenceBits
        | (tick & ((1 << SequenceBits) - 1)));
}
