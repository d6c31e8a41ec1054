namespace Tenfold.Caching.Coherence;

/// <summary>
/// For how long this node may believe its memory. The server tells about every change in the order in which it happened, so
/// the answer to a command says that all changes before that command are known here: until the command's start plus the bound
/// on propagation, memory is not older than the bound. A connection that is lost begins a new epoch, and what was read in
/// another epoch is not believed at all. Thread-safe; reads are plain loads.
/// </summary>
internal sealed class Lease
{
    private int _epoch;
    private int _untracked = -2;
    private long _until = long.MinValue;

    /// <summary>For a cache without a server: nobody else changes anything.</summary>
    public static Lease Forever() => new() { _until = long.MaxValue };

    /// <summary>The stretch of connection; 0 and up.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>Epoch of entries that no server watches; below -1. It changes with every tag that this node invalidates.</summary>
    public int UntrackedEpoch => Volatile.Read(ref _untracked);

    /// <summary>Timestamp.</summary>
    public long Until => Volatile.Read(ref _until);

    public bool Holds(long now) => now < Until;

    /// <param name="epoch">The entry's.</param>
    /// <param name="until"><see cref="Until"/> from before the entry was fetched: a lease that is prolonged afterwards says nothing about it.</param>
    /// <param name="now">Timestamp.</param>
    public bool Covers(int epoch, long until, long now) => epoch == Epoch ? now < until : epoch == UntrackedEpoch;

    /// <summary>Prolongs the lease, unless the epoch has ended meanwhile.</summary>
    public void Prolong(int epoch, long until)
    {
        if (epoch == Epoch && until > Until)
        {
            Volatile.Write(ref _until, until);
            if (epoch != Epoch)
            {
                Volatile.Write(ref _until, long.MinValue);
            }
        }
    }

    public void EndEpoch()
    {
        Interlocked.Increment(ref _epoch);
        Volatile.Write(ref _until, long.MinValue);
    }

    public void EndUntracked() => Interlocked.Decrement(ref _untracked);
}
