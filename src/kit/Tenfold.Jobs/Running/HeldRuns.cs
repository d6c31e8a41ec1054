using System.Collections.Concurrent;

namespace Tenfold.Jobs.Running;

/// <summary>Runs of a database that this worker holds: from the claim until their end is written. Thread-safe.</summary>
internal sealed class HeldRuns
{
    private readonly ConcurrentDictionary<(long Id, int Run), JobRun> _runs = new();
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<JobRun> All => _runs.Values;

    public bool Contains(long id, int run) => _runs.ContainsKey((id, run));

    public void Add(JobRun run)
    {
        if (_runs.TryAdd((run.Id, run.Job.Run), run))
        {
            Interlocked.Increment(ref _count);
        }
    }

    public void Remove(long id, int run)
    {
        if (_runs.TryRemove((id, run), out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    public void Clear()
    {
        foreach (var run in _runs.Keys)
        {
            Remove(run.Id, run.Run);
        }
    }
}
