namespace Tenfold.Gateway.Listening;

/// <summary>A <see cref="TimeProvider"/>'s monotonic time in milliseconds. Thread-safe.</summary>
internal sealed class GatewayClock(TimeProvider time)
{
    private readonly long _perMillisecond = time.TimestampFrequency / 1000;

    public TimeProvider Time => time;

    public long Now => time.GetTimestamp() / _perMillisecond;

    public long Timestamp() => time.GetTimestamp();

    public long ToMilliseconds(long timestamp) => timestamp / _perMillisecond;

    public TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);
}
