namespace Tenfold.Postgres.Shards;

/// <summary>
/// Makes ids. Of one generator and bucket they strictly ascend, whatever the clock does: when it is set back, or more than 32 are made in
/// a millisecond, the next id takes the next free place after the last one. Thread-safe, without locks.
/// </summary>
public sealed class ShardIdGenerator
{
    private readonly TimeProvider _time;
    private readonly long[] _last; // by bucket: millisecond and sequence of its last id
    private volatile IdLease _lease;

    /// <param name="buckets">Number of buckets.</param>
    /// <param name="lease">The instance's number, and the times that it may use.</param>
    /// <param name="time">Clock.</param>
    internal ShardIdGenerator(int buckets, IdLease lease, TimeProvider time)
    {
        (_lease, _time, _last) = (lease, time, new long[buckets]);
        Array.Fill(_last, (lease.From << ShardId.SequenceBits) - 1);
    }

    /// <summary>The latest millisecond in use.</summary>
    internal long LastMillisecond => _last.Max() >> ShardId.SequenceBits;

    /// <summary>A new id for a row of the bucket.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such bucket.</exception>
    /// <exception cref="ShardException"><see cref="ShardFailure.Id"/>: this process's lease on its instance number has run out, as the home database has not been reached for 30 s.</exception>
    public ShardId Next(int bucket)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)bucket, (uint)_last.Length, nameof(bucket));
        var lease = _lease;
        if (_time.GetTimestamp() > lease.ValidUntil)
        {
            throw Expired();
        }

        var now = ShardId.MillisecondOf(_time.GetUtcNow()) << ShardId.SequenceBits;
        ref var last = ref _last[bucket];
        while (true)
        {
            var seen = Volatile.Read(ref last);
            var next = Math.Max(now, seen + 1);
            if (next >> ShardId.SequenceBits >= lease.Below)
            {
                throw Expired();
            }

            if (Interlocked.CompareExchange(ref last, next, seen) == seen)
            {
                return ShardId.Of(next, bucket, lease.Instance);
            }
        }
    }

    internal void Renew(IdLease lease) => _lease = lease;

    private static ShardException Expired() => new(ShardFailure.Id, "no id can be made: this process's lease on its instance number has run out, since the home database could not be reached to renew it");
}

/// <summary>An instance's number for ids, which is its alone.</summary>
/// <param name="Instance">The number.</param>
/// <param name="From">First millisecond that it may use: above all that an earlier holder of the number may have used.</param>
/// <param name="Below">Milliseconds from this one on it may not use; the next holder begins there.</param>
/// <param name="ValidUntil">Timestamp of the monotonic clock after which the number may be another's.</param>
internal sealed record IdLease(int Instance, long From, long Below, long ValidUntil);
