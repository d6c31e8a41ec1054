namespace Tenfold.Gateway.Tests.Support;

/// <summary>A clock that stands still until the test moves it; timers are real.</summary>
internal sealed class SetTime : TimeProvider
{
    private long _now = TimeSpan.FromHours(1).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _now, by.Ticks);
}
