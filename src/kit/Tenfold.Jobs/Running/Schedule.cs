namespace Tenfold.Jobs.Running;

/// <summary>When scheduled jobs are to be looked at: when the next one is due, and every now and then. Used by one loop.</summary>
internal sealed class Schedule(TimeProvider time, TimeSpan poll)
{
    /// <summary>Most jobs made ready in one turn.</summary>
    public const int Most = 1000;

    private static readonly TimeSpan FirstHeld = TimeSpan.FromMilliseconds(10);

    private long _next = time.GetTimestamp();
    private TimeSpan _held;

    public TimeSpan DueIn(long now) => now >= _next ? TimeSpan.Zero : time.GetElapsedTime(now, _next);

    /// <summary>What the look brought.</summary>
    /// <param name="now">When.</param>
    /// <param name="promoted">Jobs made ready.</param>
    /// <param name="nextIn">Until the next one is due, by the database's clock; null when there is none.</param>
    public void Looked(long now, long promoted, TimeSpan? nextIn)
    {
        // Due and not made ready: somebody's transaction holds it.
        _held = promoted == 0 && nextIn <= TimeSpan.Zero ? Sooner(_held * 2, poll, FirstHeld) : TimeSpan.Zero;
        var pause = _held > TimeSpan.Zero ? _held : promoted >= Most || nextIn <= TimeSpan.Zero ? TimeSpan.Zero : nextIn is { } next && next < poll ? next : poll;
        _next = time.After(now, pause);
    }

    private static TimeSpan Sooner(TimeSpan doubled, TimeSpan most, TimeSpan least) => doubled < least ? least : doubled < most ? doubled : most;
}
