namespace Tenfold.Caching.Coherence;

/// <summary>One invalidation that Redis has not acknowledged: of a key (with its partition) or of a tag (without).</summary>
internal readonly record struct PendingInvalidation(string? Partition, string Name);

/// <summary>
/// The invalidations that Redis does not know of yet, each once. Bounded: when it is full, it stands for "everything".
/// Also the gate for reading from Redis: open only while nothing is pending. Thread-safe.
/// </summary>
internal sealed class Journal(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PendingInvalidation, long> _pending = [];
    private long _everything; // number of the addition that overflowed it, or 0
    private long _added;
    private bool _open;

    /// <summary>Whether this node may read what Redis holds: Redis knows all that this node has invalidated.</summary>
    public bool IsOpen => Volatile.Read(ref _open);

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _everything != 0 ? capacity : _pending.Count;
            }
        }
    }

    /// <summary>Closes the gate; one that is being opened meanwhile stays closed, if the epoch ended before.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _open = false;
        }
    }

    /// <summary>Remembers the invalidation and closes the gate until it has been told.</summary>
    public void Add(PendingInvalidation invalidation)
    {
        lock (_lock)
        {
            Close();
            _added++;
            if (_everything != 0 || (_pending.Count >= capacity && !_pending.ContainsKey(invalidation)))
            {
                _pending.Clear();
                _everything = _added;
                return;
            }

            _pending[invalidation] = _added;
        }
    }

    /// <summary>What is to be told: null stands for everything. It stays until <see cref="Acknowledge"/>.</summary>
    public IReadOnlyCollection<PendingInvalidation>? Peek(out long upTo)
    {
        lock (_lock)
        {
            upTo = _added;
            return _everything != 0 ? null : [.. _pending.Keys];
        }
    }

    /// <summary>Redis has acknowledged what <see cref="Peek"/> gave.</summary>
    public void Acknowledge(long upTo)
    {
        lock (_lock)
        {
            _everything = _everything <= upTo ? 0 : _everything;
            foreach (var (invalidation, number) in _pending)
            {
                if (number <= upTo)
                {
                    _pending.Remove(invalidation);
                }
            }
        }
    }

    /// <summary>Opens the gate if nothing is pending.</summary>
    public bool TryOpen(Func<bool> stillConnected)
    {
        lock (_lock)
        {
            _open = _pending.Count == 0 && _everything == 0 && stillConnected();
            return _open;
        }
    }
}
