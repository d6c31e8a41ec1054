namespace Tenfold.Caching.Coherence;

/// <summary>
/// Circuit breaker: after so many failures in a row nothing is tried for a while; then one success closes it, one failure opens
/// it again. Thread-safe; while closed it costs one load.
/// </summary>
internal sealed class Breaker(int failures, TimeSpan pause, TimeProvider time)
{
    private readonly long _pause = (long)(pause.TotalSeconds * time.TimestampFrequency);
    private int _inARow;
    private long _openUntil = long.MinValue;

    public bool Allows => Volatile.Read(ref _inARow) < failures || time.GetTimestamp() >= Interlocked.Read(ref _openUntil);

    public void Succeeded()
    {
        if (Volatile.Read(ref _inARow) != 0)
        {
            Volatile.Write(ref _inARow, 0);
        }
    }

    public void Failed()
    {
        if (Interlocked.Increment(ref _inARow) >= failures)
        {
            Interlocked.Exchange(ref _openUntil, time.GetTimestamp() + _pause);
        }
    }
}
