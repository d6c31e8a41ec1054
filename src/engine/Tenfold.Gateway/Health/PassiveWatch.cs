using Tenfold.Guide;

namespace Tenfold.Gateway.Health;

/// <summary>
/// Takes an instance out when real requests meet too many failures within a time. Times are milliseconds of one clock
/// that the caller reads, so that tests need none.
/// </summary>
/// <remarks>Thread-safe. Reading costs one load; only failures take the lock.</remarks>
internal sealed class PassiveWatch(PassiveHealth limits)
{
    private readonly Lock _lock = new();
    private readonly long[] _failures = new long[Math.Max(1, limits.Failures)]; // when the last ones happened, as a ring
    private int _count;
    private long _outUntil;

    /// <summary>When the ejection ends; 0 if there never was one.</summary>
    public long OutUntil => Volatile.Read(ref _outUntil);

    /// <summary>Whether it is out now.</summary>
    public bool IsOut(long now) => now < Volatile.Read(ref _outUntil);

    /// <summary>Counts a failed request.</summary>
    /// <returns>Whether this one took the instance out.</returns>
    public bool Failed(long now)
    {
        if (limits.Failures <= 0)
        {
            return false;
        }

        lock (_lock)
        {
            _failures[_count++ % _failures.Length] = now;
            var oldest = _count < _failures.Length ? long.MinValue : _failures[_count % _failures.Length];
            if (now < _outUntil || oldest == long.MinValue || now - oldest > (long)limits.Within.TotalMilliseconds)
            {
                return false;
            }

            _count = 0;
            Volatile.Write(ref _outUntil, now + (long)limits.Out.TotalMilliseconds);
            return true;
        }
    }
}
