namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// A circuit breaker before Redis: after a failure nobody asks it for a pause that doubles up to 2 s, then one request tries.
/// Thread-safe. Times are in microseconds.
/// </summary>
internal sealed class RedisGate
{
    private const long ShortestPause = 100_000;
    private const long LongestPause = 2_000_000;

    private readonly Lock _lock = new();
    private long _pause; // 0: open to all
    private long _closedUntil;
    private bool _trying;

    /// <summary>Whether the last request to Redis failed.</summary>
    public bool IsClosed => Volatile.Read(ref _pause) > 0;

    /// <summary>Whether this request may ask Redis.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isTrial">Whether it is the one that tries; how it went must be told, else nobody tries any more.</param>
    public bool TryPass(long now, out bool isTrial)
    {
        isTrial = false;
        if (!IsClosed)
        {
            return true;
        }

        lock (_lock)
        {
            if (_pause == 0)
            {
                return true;
            }

            if (_trying || now < _closedUntil)
            {
                return false;
            }

            isTrial = _trying = true;
            return true;
        }
    }

    /// <returns>Whether it is news that Redis answers.</returns>
    public bool Succeeded()
    {
        if (!IsClosed)
        {
            return false;
        }

        lock (_lock)
        {
            var was = _pause > 0;
            Volatile.Write(ref _pause, 0);
            _trying = false;
            return was;
        }
    }

    /// <returns>Whether it is news that Redis does not answer.</returns>
    public bool Failed(long now)
    {
        lock (_lock)
        {
            if (_pause > 0 && !_trying)
            {
                return false; // it was under way when the first one failed
            }

            var was = _pause;
            Volatile.Write(ref _pause, Math.Clamp(_pause * 2, ShortestPause, LongestPause));
            (_closedUntil, _trying) = (now + _pause, false);
            return was == 0;
        }
    }
}
