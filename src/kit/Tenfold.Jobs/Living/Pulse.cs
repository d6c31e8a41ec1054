namespace Tenfold.Jobs.Living;

/// <summary>
/// Whether a worker has been heard without a gap for as long as others may be silent. Whoever could not beat itself must not judge others by
/// their silence: the database was away, or all of them were stopped. Thread-safe for one that beats.
/// </summary>
internal sealed class Pulse(TimeProvider time, TimeSpan presumedDead)
{
    // With a limit and a pause it is less than what others take for death.
    private readonly TimeSpan _longestGap = presumedDead * 0.7;

    private long _wellSince; // 0: it is not
    private long _beatAt;

    public bool MayJudge => Volatile.Read(ref _wellSince) is not 0 and var since
        && time.GetElapsedTime(since) > presumedDead && time.GetElapsedTime(Volatile.Read(ref _beatAt)) < _longestGap;

    /// <summary>It was heard.</summary>
    /// <param name="gap">Since the last time, by the database's clock.</param>
    public void Beat(TimeSpan gap)
    {
        var now = time.GetTimestamp();
        if (gap > _longestGap || _wellSince == 0)
        {
            Volatile.Write(ref _wellSince, now);
        }

        Volatile.Write(ref _beatAt, now);
    }

    /// <summary>It was not heard, or was presumed dead.</summary>
    public void Miss() => Volatile.Write(ref _wellSince, 0);
}
