namespace Tenfold.Runtime.Instances;

/// <summary>How long the last starts of a service's instances took, from the start of the process until it was ready for the first time. Thread-safe.</summary>
public sealed class StartTimes
{
    private const int Kept = 10;
    private readonly Lock _lock = new();
    private readonly Queue<TimeSpan> _last = [];

    /// <summary>The 90th percentile of the last ten; null: there was none.</summary>
    public TimeSpan? P90
    {
        get
        {
            lock (_lock)
            {
                return _last.Count == 0 ? null : _last.Order().ElementAt((int)Math.Ceiling(0.9 * _last.Count) - 1);
            }
        }
    }

    /// <summary>Adds one; the oldest of eleven is forgotten.</summary>
    public void Add(TimeSpan took)
    {
        lock (_lock)
        {
            _last.Enqueue(took);
            if (_last.Count > Kept)
            {
                _last.Dequeue();
            }
        }
    }
}
