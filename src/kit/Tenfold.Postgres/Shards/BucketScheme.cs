using System.Globalization;
using System.Text;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// How keys fall into buckets: by hash (evenly, neighbours apart) or by range (neighbours together). Fixed for the life of a store:
/// buckets move between databases, keys never move between buckets. Immutable.
/// </summary>
public sealed class BucketScheme
{
    /// <summary>Most buckets that a store can have: ids carry their bucket in ten bits.</summary>
    public const int Most = 1024;

    /// <summary>Default number of buckets.</summary>
    public const int Default = 256;

    private readonly IReadOnlyList<long>? _numbers;
    private readonly IReadOnlyList<byte[]>? _texts;

    private BucketScheme(int count, IReadOnlyList<long>? numbers, IReadOnlyList<byte[]>? texts) => (Count, _numbers, _texts) = (count, numbers, texts);

    /// <summary>Number of buckets; they are numbered from 0.</summary>
    public int Count { get; }

    /// <summary>Whether keys are hashed; else they are compared with bounds.</summary>
    public bool IsHash => _numbers is null && _texts is null;

    /// <summary>Bounds as text, in order; empty for a hash.</summary>
    internal IReadOnlyList<string> Bounds =>
        _numbers is not null ? [.. _numbers.Select(bound => bound.ToString(CultureInfo.InvariantCulture))]
        : _texts is not null ? [.. _texts.Select(Encoding.UTF8.GetString)]
        : [];

    /// <summary><c>hash</c>, <c>range-of-numbers</c> or <c>range-of-texts</c>: as the map stores it.</summary>
    internal string Kind => _numbers is not null ? "range-of-numbers" : _texts is not null ? "range-of-texts" : "hash";

    /// <summary>Bucket = MurmurHash3_x86_32 of the key, modulo <paramref name="count"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not between 1 and <see cref="Most"/>.</exception>
    public static BucketScheme Hash(int count = Default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Most);
        return new BucketScheme(count, null, null);
    }

    /// <summary>
    /// Bucket n holds the numbers from bound n up to, but not including, bound n + 1; the last one holds all that follow.
    /// A number below the first bound is unmapped.
    /// </summary>
    /// <exception cref="ArgumentException">There are none, too many, or they do not ascend.</exception>
    public static BucketScheme Range(IEnumerable<long> lowerBounds)
    {
        long[] bounds = [.. lowerBounds];
        CheckBounds(bounds, Comparer<long>.Default.Compare);
        return new BucketScheme(bounds.Length, bounds, null);
    }

    /// <summary>As for numbers, by the bytes of UTF-8: the order of PostgreSQL's collation "C".</summary>
    /// <exception cref="ArgumentException">There are none, too many, or they do not ascend.</exception>
    public static BucketScheme Range(IEnumerable<string> lowerBounds)
    {
        byte[][] bounds = [.. lowerBounds.Select(Encoding.UTF8.GetBytes)];
        CheckBounds(bounds, static (left, right) => left.AsSpan().SequenceCompareTo(right));
        return new BucketScheme(bounds.Length, null, bounds);
    }

    /// <summary>The bucket of a key.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Unmapped"/>: the key belongs to none.</exception>
    public int BucketOf(ShardKey key)
    {
        var bucket = key.Bucket ?? (IsHash ? (int)(key.Hash() % (uint)Count) : BucketInRange(key));
        return bucket >= 0 && bucket < Count
            ? bucket
            : throw new ShardException(ShardFailure.Unmapped, $"shard key {key} belongs to no bucket: {Say()}");
    }

    /// <summary>The scheme as it was stored.</summary>
    internal static BucketScheme Parse(string kind, int count, IReadOnlyList<string> bounds) => kind switch
    {
        "hash" => Hash(count),
        "range-of-numbers" => Range(bounds.Select(bound => long.Parse(bound, CultureInfo.InvariantCulture))),
        "range-of-texts" => Range(bounds),
        _ => throw new ShardException(ShardFailure.Map, $"the shard map says that buckets are made by '{kind}', which this version of Tenfold does not know; use the version that wrote it"),
    };

    /// <summary>Whether both put every key into the same bucket.</summary>
    internal bool Same(BucketScheme other) => Kind == other.Kind && Count == other.Count && Bounds.SequenceEqual(other.Bounds, StringComparer.Ordinal);

    /// <summary>The scheme in words.</summary>
    internal string Say() => IsHash ? $"there are {Count}, 0 to {Count - 1}" : $"there are {Count}, for {(_numbers is not null ? "numbers" : "texts")} from {Bounds[0]} on";

    private int BucketInRange(ShardKey key)
    {
        if (_numbers is not null && key.Number is { } number)
        {
            return Last(_numbers.Count, at => _numbers[at] <= number);
        }

        if (_texts is not null && key.Text is { } text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            return Last(_texts.Count, at => _texts[at].AsSpan().SequenceCompareTo(bytes) <= 0);
        }

        throw new ShardException(ShardFailure.Unmapped, $"shard key {key} is of another kind than the bounds of the buckets: {Say()}");
    }

    /// <summary>The last index at which <paramref name="holds"/>, which holds up to some index and for none after it; -1 for none.</summary>
    private static int Last(int count, Func<int, bool> holds)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = holds(middle) ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }

    private static void CheckBounds<T>(T[] bounds, Comparison<T> compare)
    {
        if (bounds.Length is 0 or > Most)
        {
            throw new ArgumentException($"{bounds.Length} bounds given: a store has between 1 and {Most} buckets, each with its lower bound");
        }

        for (var at = 1; at < bounds.Length; at++)
        {
            if (compare(bounds[at - 1], bounds[at]) >= 0)
            {
                throw new ArgumentException($"bounds must ascend: number {at} of them (counted from 0) is not above the one before it");
            }
        }
    }
}
