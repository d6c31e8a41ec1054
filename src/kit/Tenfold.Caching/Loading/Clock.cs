using System.Diagnostics;

namespace Tenfold.Caching.Loading;

/// <summary>Timestamps of a <see cref="TimeProvider"/>: monotonic, so that a stepped wall clock changes nothing.</summary>
internal sealed class Clock(TimeProvider time)
{
    // What the system's provider does, without the call through it: a hit asks for the time.
    private readonly bool _system = ReferenceEquals(time, TimeProvider.System);
    private readonly double _perMillisecond = time.TimestampFrequency / 1000.0;

    public TimeProvider Time => time;

    public long Now => _system ? Stopwatch.GetTimestamp() : time.GetTimestamp();

    public long Ticks(TimeSpan span) => Ticks(span.TotalMilliseconds);

    public long Ticks(double milliseconds) => (long)(milliseconds * _perMillisecond);

    public TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);
}
