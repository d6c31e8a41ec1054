using System.Collections.Concurrent;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

/// <summary>What a worker is.</summary>
/// <param name="Name">Of the instance and process, for people.</param>
/// <param name="Options">The app's.</param>
/// <param name="Queues">Queues that it works on.</param>
/// <param name="Kinds">Kinds that it can do.</param>
internal sealed record WorkerSettings(string Name, JobOptions Options, IReadOnlyList<string> Queues, IReadOnlyList<string> Kinds);

/// <summary>Counts of what a worker has done since it started, by queue. Thread-safe.</summary>
internal sealed class WorkerCounts
{
    private readonly ConcurrentDictionary<string, QueueCounts> _queues = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, QueueCounts>> Queues => _queues;

    public void Ended(JobEnding ending) => _queues.GetOrAdd(ending.Job.Queue, static _ => new QueueCounts()).Ended(ending);
}

/// <summary>Counts of what a worker has done in a queue. Thread-safe.</summary>
internal sealed class QueueCounts
{
    private long _completed;
    private long _failed;
    private long _retried;
    private long _returned;
    private long _ticks;

    public long Completed => Volatile.Read(ref _completed);

    /// <summary>Jobs that became dead letters.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Failed attempts after which there is another one.</summary>
    public long Retried => Volatile.Read(ref _retried);

    /// <summary>Runs given back without having failed, and jobs that were cancelled.</summary>
    public long Returned => Volatile.Read(ref _returned);

    /// <summary>Time that handlers took, added up.</summary>
    public TimeSpan Time => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    public void Ended(JobEnding ending)
    {
        Interlocked.Add(ref _ticks, ending.Took.Ticks);
        Interlocked.Increment(ref ending.Outcome == JobOutcome.Completed ? ref _completed : ref ending.Outcome == JobOutcome.Failed ? ref _failed : ref ending.Counts ? ref _retried : ref _returned);
    }
}
