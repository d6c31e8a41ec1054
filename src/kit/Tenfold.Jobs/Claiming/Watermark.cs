namespace Tenfold.Jobs.Claiming;

/// <summary>
/// How far a worker has come in each lane of a queue. PostgreSQL keeps the index entries of claimed jobs until no snapshot needs them,
/// and a claim that began at the front would walk over all of them again. So most claims begin behind the last place that was claimed
/// (the front), and some, called sweeps, behind a place below which there is surely nothing (the floor): what became visible late, because
/// its transaction was long or another worker's claim was rolled back, is found by these. Not thread-safe.
/// </summary>
internal sealed class Watermark
{
    /// <summary>Lanes of a queue: two for each priority.</summary>
    public const int Lanes = 2 * (EnqueueOptions.LastPriority + 1);

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2); // from taking a number to having a transaction id, at most

    private readonly long[] _front = new long[Lanes];
    private readonly long[] _floor = new long[Lanes];
    private readonly long[] _next = new long[Lanes];
    private ulong _nextAfter;
    private TimeSpan? _nextSince;

    /// <summary>Where ordinary claims begin: after these places.</summary>
    public ReadOnlySpan<long> Front => _front;

    /// <summary>Where sweeps begin.</summary>
    public ReadOnlySpan<long> Floor => _floor;

    /// <summary>Whether a sweep would look at more than an ordinary claim.</summary>
    public bool IsAhead => !_front.AsSpan().SequenceEqual(_floor);

    /// <summary>A job was claimed there.</summary>
    public void Claimed(short lane, long place) => _front[lane] = Math.Max(_front[lane], place);

    /// <summary>
    /// Asks whether the floor may be raised, once a second or so. Every transaction that had not ended when the candidate was noted has a
    /// number below that of the next transaction then; once the oldest one that runs is not below that, all have ended, and what they made is visible.
    /// </summary>
    /// <param name="now">The worker's clock, from any origin.</param>
    /// <param name="oldest">The oldest transaction that has not ended (<c>pg_snapshot_xmin</c>).</param>
    /// <param name="next">The next transaction's number (<c>pg_snapshot_xmax</c>).</param>
    /// <returns>The new floor, if nothing is visible between the floor and it: then <see cref="Raise"/>. Null: not yet.</returns>
    public long[]? Candidate(TimeSpan now, ulong oldest, ulong next)
    {
        if (_nextSince is { } since && oldest >= _nextAfter && now - since >= Margin)
        {
            return _next;
        }

        if (_nextSince is null && IsAhead)
        {
            _front.CopyTo(_next, 0);
            (_nextAfter, _nextSince) = (next, now);
        }

        return null;
    }

    /// <summary>Nothing was visible between the floor and the candidate.</summary>
    public void Raise()
    {
        _next.CopyTo(_floor, 0);
        _nextSince = null;
    }

    /// <summary>Begins anew at the front of everything: after an error, and now and then for safety.</summary>
    public void Reset()
    {
        Array.Clear(_front);
        Array.Clear(_floor);
        _nextSince = null;
    }
}
