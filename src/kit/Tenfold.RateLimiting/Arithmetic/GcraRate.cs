using System.Runtime.InteropServices;

namespace Tenfold.RateLimiting.Arithmetic;

/// <summary>A rate in whole microseconds, as GCRA counts. Immutable; thread-safe.</summary>
/// <param name="Interval">Time that one request uses up. At least 1.</param>
/// <param name="Tolerance">Time that may be used up ahead: <paramref name="Interval"/> × burst.</param>
/// <param name="Block">How long a caller is refused altogether once it was over; 0 only refuses what is over.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GcraRate(long Interval, long Tolerance, long Block)
{
    private const double LongestInterval = 1e17; // some 3,000 years

    /// <summary>Requests at once.</summary>
    public long Burst => Tolerance / Interval;

    /// <summary>Time that so many requests use up. More than the burst never pass, however many more they are.</summary>
    public long Uses(long cost) => Interval * Math.Min(cost, Burst + 1);

    /// <summary>
    /// <paramref name="limit"/> requests in <paramref name="period"/>. The interval is rounded up to a whole microsecond, so
    /// never more than that is let through, and at 1,000 a second at most 0.1% less.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The limit or burst is less than 1, or the period shorter than 1 µs.</exception>
    public static GcraRate Of(long limit, TimeSpan period, long burst, TimeSpan block)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(burst, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.FromMicroseconds(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(block, TimeSpan.Zero);
        var microseconds = period.Ticks / TimeSpan.TicksPerMicrosecond;
        var interval = (microseconds + limit - 1) / limit;
        return new GcraRate(interval, checked(interval * burst), block.Ticks / TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>The same rate for one of several processes that cannot agree: a share of the requests, but at least one at once.</summary>
    /// <param name="share">More than 0, at most 1.</param>
    public GcraRate Share(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var interval = (long)Math.Min(Math.Ceiling(Interval / share), LongestInterval);
        return this with { Interval = interval, Tolerance = interval * Math.Max(1, (long)(Burst * share)) };
    }
}

/// <summary>What is remembered of one caller under one limit, on a clock of microseconds. <c>default</c> is a caller never seen.</summary>
/// <param name="Arrival">The theoretical arrival time: when everything used up so far will have been earned back.</param>
/// <param name="BlockedUntil">Until when everything is refused.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GcraState(long Arrival, long BlockedUntil);

/// <summary>What one limit says about one request.</summary>
/// <param name="Wait">0: it may pass. Else microseconds until a request like this one would, if nothing else comes.</param>
/// <param name="Backlog">Microseconds until the whole quota is there again.</param>
/// <param name="Blocked">Microseconds that the caller stays blocked.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GcraVerdict(long Wait, long Backlog, long Blocked)
{
    /// <summary>Requests that would pass now.</summary>
    public long Remaining(in GcraRate rate) => Blocked > 0 ? 0 : Math.Max(0, (rate.Tolerance - Backlog) / rate.Interval);
}
