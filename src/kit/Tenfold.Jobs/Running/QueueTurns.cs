using Tenfold.Jobs.Claiming;

namespace Tenfold.Jobs.Running;

/// <summary>When the ready jobs of one queue in one database are to be looked at again. Used by one loop but for <see cref="Wake"/>; times are timestamps of the worker's clock.</summary>
internal sealed class QueueTurns(QueueRunner runner, TimeProvider time, TimeSpan poll)
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ResetEvery = TimeSpan.FromMinutes(1);

    private const double MostSweeping = 0.05; // of the time

    private const int WokenNow = 1;
    private const int WokenSoon = 2;

    private int _woken;
    private long _nextLook = time.GetTimestamp();
    private long _notBefore;
    private long _nextSweep;
    private long _nextReset = time.After(time.GetTimestamp(), ResetEvery);
    private TimeSpan _cost;
    private TimeSpan _pause; // between looks for a job that is not committed yet; zero when nobody has told of one

    public QueueRunner Runner => runner;

    /// <summary>Whether its claims have to count rates or keys.</summary>
    public bool IsLimited { get; } = KeyRules.AreLimited(runner.Options);

    public Watermark Watermark { get; } = new();

    /// <summary>Time until a claim is due; infinite while there is no room.</summary>
    public TimeSpan DueIn(long now)
    {
        if (Interlocked.Exchange(ref _woken, 0) is var woken and not 0)
        {
            _nextLook = now;
            _pause = (woken & WokenSoon) != 0 ? FirstLook : _pause;
        }

        var next = Math.Max(_nextLook, _notBefore);
        return !runner.HasRoom ? Timeout.InfiniteTimeSpan : now >= next ? TimeSpan.Zero : time.GetElapsedTime(now, next);
    }

    /// <summary>Whether this claim has to look below the watermark.</summary>
    public bool IsSweepDue(long now) => now >= _nextSweep;

    /// <summary>Somebody has told of a job; thread-safe.</summary>
    /// <param name="committed">False: its transaction may still be open, so look again for a while.</param>
    public void Wake(bool committed) => Interlocked.Or(ref _woken, committed ? WokenNow : WokenSoon);

    /// <summary>What a claim brought.</summary>
    /// <param name="now">When it was done.</param>
    /// <param name="asked">Room that it had.</param>
    /// <param name="got">Jobs.</param>
    /// <param name="swept">Whether it was a sweep.</param>
    /// <param name="took">How long it took.</param>
    public void Claimed(long now, int asked, int got, bool swept, TimeSpan took)
    {
        // What a look costs: a disk that was slow once does not count, a table with many dead rows does after a few looks.
        _cost = Min(took, Max(_cost, FirstLook) * 2);
        if (swept)
        {
            _nextSweep = time.After(now, _cost / MostSweeping);
        }

        if (got == asked)
        {
            _nextLook = now;
        }
        else
        {
            _nextLook = time.After(now, poll);
            if (!swept && Watermark.IsAhead)
            {
                // Short: there may be some that became visible late.
                _nextLook = Math.Min(_nextLook, _nextSweep);
            }

            if (_pause > TimeSpan.Zero)
            {
                _nextLook = Math.Min(_nextLook, time.After(now, Max(_pause, _cost * 2)));
                _pause = _pause * 2 < poll ? _pause * 2 : TimeSpan.Zero;
            }
        }
    }

    /// <summary>The queue's own rate allows no more for so long.</summary>
    public void NotBefore(long now, TimeSpan pause) => _notBefore = time.After(now, pause);

    /// <summary>Now and then everything is looked at anew, whatever the watermark says.</summary>
    public void ResetIfDue(long now)
    {
        if (now >= _nextReset)
        {
            Watermark.Reset();
            _nextReset = time.After(now, ResetEvery);
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
