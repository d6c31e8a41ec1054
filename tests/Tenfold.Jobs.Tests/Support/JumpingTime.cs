namespace Tenfold.Jobs.Tests.Support;

/// <summary>The machine's clock, until a test lets time go by at once; timers are the machine's all the while.</summary>
internal sealed class JumpingTime : TimeProvider
{
    private long _ahead;

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => System.GetTimestamp() + Volatile.Read(ref _ahead);

    public void Jump(TimeSpan by) => Interlocked.Add(ref _ahead, (long)(by.TotalSeconds * TimestampFrequency));
}
