namespace Tenfold.Caching.Coherence;

/// <summary>
/// Circuit breaker: after so many failures in a row nothing is tried for a while; then one caller may try, whose success closes
/// it. Thread-safe; while closed it costs one load.
/// </summary>
internal sealed class Breaker(int failures, TimeSpan pause, TimeProvider time)
{
    private readonly long _pause = (long)(pause.TotalSeconds * time.TimestampFrequency);
    private int _inARow;
    private long _openUntil = long.MinValue;

    /// <summary>Whether it is worth while to ask <see cref="TryEnter"/>.</summary>
    public bool Allows => IsClosed || time.GetTimestamp() >= Interlocked.Read(ref _openUntil);

    private bool IsClosed => Volatile.Read(ref _inARow) < failures;

    /// <summary>True while closed, and for one caller at the end of each pause.</summary>
    public bool TryEnter()
    {
        if (IsClosed)
        {
            return true;
        }

        var (until, now) = (Interlocked.Read(ref _openUntil), time.GetTimestamp());
        return now >= until && Interlocked.CompareExchange(ref _openUntil, now + _pause, until) == until;
    }

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
