namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>A clock that stands until it is set forward.</summary>
internal sealed class SetTime : TimeProvider
{
    private TimeSpan _now = TimeSpan.FromHours(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan by) => _now += by;

    public override long GetTimestamp() => _now.Ticks;
}
