namespace Tenfold.Postgres.Routing;

/// <summary>
/// Where the primary's log was and when, to tell how old a replica's view is: it has everything that the primary had at the time
/// of the newest sample that it has reached. Unlike <c>pg_last_xact_replay_timestamp()</c> this needs no clocks that agree, and an
/// idle primary makes no replica look late. Not thread-safe.
/// </summary>
internal sealed class LagHistory(int capacity = 128)
{
    private readonly (long At, ulong Lsn)[] _samples = new (long, ulong)[capacity];
    private int _count;
    private int _next;
    private uint _timeline;

    /// <summary>A sample of the primary, newer than all before.</summary>
    public void Add(NodeReading primary)
    {
        if (primary.Timeline != _timeline)
        {
            (_count, _timeline) = (0, primary.Timeline);
        }

        _samples[_next] = (primary.At, primary.Lsn);
        _next = (_next + 1) % _samples.Length;
        _count = Math.Min(_count + 1, _samples.Length);
    }

    /// <summary>How old a replica's view is at most; null when that is longer than the history, or the history is not its own.</summary>
    public TimeSpan? Of(NodeReading replica, TimeProvider time)
    {
        if (replica.Timeline != _timeline)
        {
            return null;
        }

        for (var back = 1; back <= _count; back++)
        {
            var (at, lsn) = _samples[(_next - back + _samples.Length) % _samples.Length];
            if (replica.Lsn >= lsn)
            {
                // The newest one: nothing is known that it does not have.
                return back == 1 ? TimeSpan.Zero : time.GetElapsedTime(at, Math.Max(at, replica.At));
            }
        }

        return null;
    }
}
