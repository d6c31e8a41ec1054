using System.Collections.Concurrent;
using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Running;

namespace Tenfold.Jobs.Tests.Support;

/// <summary>Runs that a test holds, and how they ended.</summary>
internal sealed class Runs : IRunOwner
{
    public ConcurrentQueue<JobEnding> Endings { get; } = new();

    /// <summary>A job of queue <c>q</c> as it was claimed, by its first run unless told otherwise.</summary>
    public static Claimed Claimed(long job, long worker = 1, int run = 1, TimeSpan? left = null) => new()
    {
        Id = job, Queue = "q", Lane = 11, Kind = "k", Payload = [], EnqueuedAt = DateTime.UnixEpoch, Left = left, Attempts = null, Run = run, Worker = worker, Failures = 0, Deaths = 0, IsKeyed = false, IsUnique = false, Batch = null, Place = 0,
    };

    public JobRun Of(Claimed job, JobQueueOptions? queue = null, long claimedAt = 0) => new(job, queue ?? new JobQueueOptions(), this, claimedAt);

    public Task CompleteInAsync(NpgsqlConnection connection, JobRun run, CancellationToken cancel) => Task.CompletedTask;

    public Task MarkStartedAsync(JobRun run, CancellationToken cancel) => Task.CompletedTask;

    public void Ended(JobRun run, JobEnding ending) => Endings.Enqueue(ending);
}
