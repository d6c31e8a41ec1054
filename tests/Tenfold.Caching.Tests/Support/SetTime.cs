namespace Tenfold.Caching.Tests.Support;

/// <summary>A clock that the test moves: timestamps only go forward, the wall clock goes where it is set. Timers do not fire.</summary>
internal sealed class SetTime : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerDay;

    public DateTimeOffset Wall { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => Wall;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
