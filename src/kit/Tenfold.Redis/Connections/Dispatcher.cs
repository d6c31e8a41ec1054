namespace Tenfold.Redis.Connections;

/// <summary>
/// Runs callers' code after their answers came. The thread that read the answers runs it, with the next read already waiting
/// for another thread, and what it sends meanwhile leaves in one piece. Code that takes long is not waited for: after a slice
/// of time the rest of the answers is offered to another thread and what is unsent leaves; code that blocks is noticed by
/// <see cref="Rescue"/>.
/// </summary>
internal sealed class Dispatcher : IDisposable
{
    private const int Look = 4; // answers between two looks at the clock

    private static readonly TimeSpan Slice = TimeSpan.FromMicroseconds(200);

    private readonly ThreadLocal<Runner> _runners = new(static () => new Runner());
    private readonly Lock _gate = new();
    private readonly List<CompletionBatch> _running = [];
    private readonly Stack<CompletionBatch> _free = [];
    private readonly TimeProvider _time;
    private readonly long _slice;
    private readonly int _mostHelpers = Math.Max(1, Environment.ProcessorCount - 1);

    public Dispatcher(TimeProvider time) => (_time, _slice) = (time, (long)(Slice.TotalSeconds * time.TimestampFrequency));

    /// <summary>An empty batch.</summary>
    public CompletionBatch Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out var batch) ? batch : new CompletionBatch(this);
        }
    }

    /// <summary>Takes back one that stayed empty.</summary>
    public void Return(CompletionBatch batch)
    {
        lock (_gate)
        {
            _free.Push(batch);
        }
    }

    /// <summary>Whether the connection is flushed later by whoever runs on this thread.</summary>
    public bool TryHold(Connection connection)
    {
        var runner = _runners.Value!;
        return runner.IsActive && runner.Hold(connection);
    }

    public static void Queue(CompletionBatch batch) => ThreadPool.UnsafeQueueUserWorkItem(batch, preferLocal: false);

    /// <summary>Runs what is left of a batch.</summary>
    public void Run(CompletionBatch batch)
    {
        var runner = _runners.Value!;
        if (runner.IsActive)
        {
            Queue(batch); // from inside another's code
            return;
        }

        if (!Enter(batch))
        {
            return;
        }

        runner.IsActive = true;
        var published = 0;
        var since = _time.GetTimestamp();
        while (batch.TryTake(out var operation))
        {
            operation.Publish();
            if (++published % Look != 0 || !batch.HasMore)
            {
                continue;
            }

            var now = _time.GetTimestamp();
            if (now - since > _slice)
            {
                since = now;
                runner.Flush();
                if (batch.TryAddHelper(_mostHelpers))
                {
                    Queue(batch);
                }
            }
        }

        runner.IsActive = false;
        runner.Flush();
        Leave(batch);
    }

    /// <summary>Offers batches that have not moved since the last call to other threads; true if there are any.</summary>
    public bool Rescue()
    {
        var stalled = false;
        lock (_gate)
        {
            foreach (var batch in _running)
            {
                if (batch.IsStalled())
                {
                    stalled = true;
                    if (batch.HasMore && batch.TryAddHelper(int.MaxValue))
                    {
                        Queue(batch);
                    }
                }
            }
        }

        return stalled;
    }

    public void Dispose()
    {
        // Threads may still be running callers' code; thread-local storage is left to the collector.
    }

    private bool Enter(CompletionBatch batch)
    {
        lock (_gate)
        {
            if (!batch.HasMore)
            {
                return false;
            }

            if (batch.Runners++ == 0)
            {
                _running.Add(batch);
            }

            return true;
        }
    }

    private void Leave(CompletionBatch batch)
    {
        lock (_gate)
        {
            if (--batch.Runners > 0)
            {
                return;
            }

            _running.Remove(batch);
            // A helper may still be on its way to a batch that had one.
            if (!batch.HasMore && !batch.WasHelped && _free.Count < 64)
            {
                batch.Clear();
                _free.Push(batch);
            }
        }
    }

    /// <summary>What a thread that runs callers' code has still to flush.</summary>
    private sealed class Runner
    {
        private readonly List<Connection> _held = [];

        public bool IsActive { get; set; }

        public bool Hold(Connection connection)
        {
            if ((_held.Count == 0 || _held[^1] != connection) && !_held.Contains(connection))
            {
                _held.Add(connection);
            }

            return true;
        }

        public void Flush()
        {
            foreach (var connection in _held)
            {
                connection.Flush();
            }

            _held.Clear();
        }
    }
}

/// <summary>Operations that were settled by one read, to be published by one or more threads.</summary>
internal sealed class CompletionBatch(Dispatcher dispatcher) : IThreadPoolWorkItem
{
    private Operation[] _operations = new Operation[64];
    private int _count;
    private int _taken;
    private int _seen = -1;
    private int _helpers;

    /// <summary>Threads at work on it; under the dispatcher's lock.</summary>
    public int Runners { get; set; }

    public bool IsEmpty => _count == 0;

    public bool HasMore => Volatile.Read(ref _taken) < _count;

    public bool WasHelped => Volatile.Read(ref _helpers) > 0;

    /// <summary>Before it is run only.</summary>
    public void Add(Operation operation)
    {
        if (_count == _operations.Length)
        {
            Array.Resize(ref _operations, _count * 2);
        }

        _operations[_count++] = operation;
    }

    public bool TryTake(out Operation operation)
    {
        var index = Interlocked.Increment(ref _taken) - 1;
        operation = index < _count ? _operations[index] : null!;
        return operation is not null;
    }

    public bool TryAddHelper(int most)
    {
        if (Volatile.Read(ref _helpers) >= most)
        {
            return false;
        }

        Interlocked.Increment(ref _helpers);
        return true;
    }

    /// <summary>Whether nothing was taken since the last call.</summary>
    public bool IsStalled()
    {
        var taken = Volatile.Read(ref _taken);
        (var seen, _seen) = (_seen, taken);
        return seen == taken;
    }

    public void Clear()
    {
        _operations.AsSpan(0, _count).Clear();
        if (_operations.Length > 4096)
        {
            _operations = new Operation[64];
        }

        (_count, _taken, _seen, _helpers) = (0, 0, -1, 0);
    }

    void IThreadPoolWorkItem.Execute() => dispatcher.Run(this);
}
