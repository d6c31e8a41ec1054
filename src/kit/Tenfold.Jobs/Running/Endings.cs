using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

/// <summary>Runs that have ended and are not written yet. Bounded by what is held. Thread-safe.</summary>
internal sealed class Endings
{
    private static readonly TimeSpan CompletedWithin = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Queue<JobEnding> _waiting = new();
    private readonly List<(JobEnding Ending, long NotBefore)> _later = [];
    private long _since;
    private int _open; // of these, not completed by their handlers
    private long _openSince;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count + _later.Count;
            }
        }
    }

    /// <returns>Whether <see cref="DueIn"/> may have become sooner by it.</returns>
    public bool Add(JobEnding ending, long now, int atOnce)
    {
        lock (_lock)
        {
            _waiting.Enqueue(ending);
            if (_waiting.Count == 1)
            {
                _since = now;
            }

            if (!ending.MayBeGone && ++_open == 1)
            {
                _openSince = now;
                return true;
            }

            return _waiting.Count == 1 || _waiting.Count == atOnce;
        }
    }

    /// <summary>Not to be written before then: somebody's transaction holds what it has to change.</summary>
    public void AddLater(JobEnding ending, long notBefore)
    {
        lock (_lock)
        {
            _later.Add((ending, notBefore));
        }
    }

    /// <summary>The oldest ones that may be written now.</summary>
    public List<JobEnding> Take(int most, long now)
    {
        lock (_lock)
        {
            foreach (var (ending, _) in _later.Where(one => one.NotBefore <= now))
            {
                _waiting.Enqueue(ending);
                _open += ending.MayBeGone ? 0 : 1;
            }

            _later.RemoveAll(one => one.NotBefore <= now);
            var taken = new List<JobEnding>(Math.Min(most, _waiting.Count));
            while (taken.Count < most && _waiting.TryDequeue(out var ending))
            {
                taken.Add(ending);
                _open -= ending.MayBeGone ? 0 : 1;
            }

            return taken;
        }
    }

    /// <summary>
    /// Time until they are to be written: a few wait for others, for a little while, unless nothing else runs. For those that their handlers have
    /// completed there is no hurry: nothing is left to be written, unless that was rolled back.
    /// </summary>
    public TimeSpan DueIn(long now, TimeProvider time, int atOnce, TimeSpan within, bool isIdle)
    {
        lock (_lock)
        {
            var later = Timeout.InfiniteTimeSpan;
            foreach (var (_, notBefore) in _later)
            {
                var pause = notBefore <= now ? TimeSpan.Zero : time.GetElapsedTime(now, notBefore);
                later = later == Timeout.InfiniteTimeSpan || pause < later ? pause : later;
            }

            if (_waiting.Count == 0 || later == TimeSpan.Zero)
            {
                return later;
            }

            if (_waiting.Count >= atOnce || (_open > 0 && isIdle))
            {
                return TimeSpan.Zero;
            }

            var left = _open > 0 ? within - time.GetElapsedTime(_openSince, now) : CompletedWithin - time.GetElapsedTime(_since, now);
            left = left > TimeSpan.Zero ? left : TimeSpan.Zero;
            return later == Timeout.InfiniteTimeSpan || left < later ? left : later;
        }
    }
}
