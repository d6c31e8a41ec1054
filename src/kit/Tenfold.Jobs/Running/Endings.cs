using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

/// <summary>Runs that have ended and are not written yet. Bounded by what is held. Thread-safe.</summary>
internal sealed class Endings
{
    private readonly Lock _lock = new();
    private readonly Queue<JobEnding> _waiting = new();
    private long _since;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <returns>How many wait now.</returns>
    public int Add(JobEnding ending, long now)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _since = now;
            }

            _waiting.Enqueue(ending);
            return _waiting.Count;
        }
    }

    /// <summary>The oldest ones.</summary>
    public List<JobEnding> Take(int most)
    {
        lock (_lock)
        {
            var taken = new List<JobEnding>(Math.Min(most, _waiting.Count));
            while (taken.Count < most && _waiting.TryDequeue(out var ending))
            {
                taken.Add(ending);
            }

            return taken;
        }
    }

    /// <summary>Time until they are to be written: a few wait for others, for a little while, unless nothing else runs.</summary>
    public TimeSpan DueIn(long now, TimeProvider time, int atOnce, TimeSpan within, bool isIdle)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return Timeout.InfiniteTimeSpan;
            }

            var waited = time.GetElapsedTime(_since, now);
            return isIdle || _waiting.Count >= atOnce || waited >= within ? TimeSpan.Zero : within - waited;
        }
    }
}
