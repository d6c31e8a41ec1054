namespace Tenfold.Redis.Connections;

/// <summary>A coarse clock that costs nothing to read, and what happens at each of its beats.</summary>
internal sealed class Ticks : IDisposable
{
    /// <summary>Between two beats.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private readonly ITimer _timer;
    private int _now;
    private int _busy;

    public Ticks(TimeProvider time, Action<int> beat) => _timer = time.CreateTimer(
        _ =>
        {
            var now = Interlocked.Increment(ref _now);
            if (Interlocked.Exchange(ref _busy, 1) == 0) // a beat that takes long is not overtaken
            {
                try
                {
                    beat(now);
                }
                finally
                {
                    Volatile.Write(ref _busy, 0);
                }
            }
        },
        null, Period, Period);

    public int Now => Volatile.Read(ref _now);

    /// <summary>How many beats a time is, rounded up, so that nothing ends early.</summary>
    public static int Count(TimeSpan time) => (int)Math.Ceiling(time / Period) + 1;

    public static TimeSpan Span(int count) => Period * Math.Max(count, 0);

    public void Dispose() => _timer.Dispose();
}
