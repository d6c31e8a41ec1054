using System.Text.Json;

namespace Tenfold.Jobs.Administration;

/// <summary>All that is known of a job. Times are the database's.</summary>
public sealed record JobDetails
{
    /// <summary>The job.</summary>
    public required long Id { get; init; }

    /// <summary>Its queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Its kind.</summary>
    public required string Kind { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required JobState State { get; init; }

    /// <summary>0 comes first, 9 last.</summary>
    public required int Priority { get; init; }

    /// <summary>When it was enqueued.</summary>
    public required DateTimeOffset EnqueuedAt { get; init; }

    /// <summary>When it is or was due, for one that was delayed or is tried again.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>After this it is of no use.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>How often it is tried; null is as its queue says.</summary>
    public int? Attempts { get; init; }

    /// <summary>How often it was started.</summary>
    public required int Runs { get; init; }

    /// <summary>Failed attempts.</summary>
    public required int Failures { get; init; }

    /// <summary>Runs whose worker died.</summary>
    public required int Deaths { get; init; }

    /// <summary>What the limits of its queue count it by.</summary>
    public string? Key { get; init; }

    /// <summary>What makes it one of its kind.</summary>
    public string? Unique { get; init; }

    /// <summary>Its batch: the job that runs when all of it have ended.</summary>
    public long? Batch { get; init; }

    /// <summary>The batch that this job is the last one of.</summary>
    public BatchState? Ends { get; init; }

    /// <summary>Jobs that had to complete before it.</summary>
    public IReadOnlyList<long> After { get; init; } = [];

    /// <summary>Those of them that have not yet, at most 100.</summary>
    public IReadOnlyList<long> WaitsFor { get; init; } = [];

    /// <summary>Jobs that wait for it, at most 100.</summary>
    public IReadOnlyList<long> Followers { get; init; } = [];

    /// <summary>Who runs it or ran it last.</summary>
    public string? Worker { get; init; }

    /// <summary>When this run, or the last one, began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether somebody asked for a running job to end.</summary>
    public bool IsCancelRequested { get; init; }

    /// <summary>What its handler told last.</summary>
    public JsonElement? Progress { get; init; }

    /// <summary>What went wrong in each failed run, the newest last.</summary>
    public JsonElement? Errors { get; init; }

    /// <summary>What was enqueued.</summary>
    public required JsonElement Payload { get; init; }
}

/// <summary>How far a batch is.</summary>
/// <param name="Total">Jobs in it.</param>
/// <param name="Completed">Completed ones.</param>
/// <param name="Failed">Those that failed for good.</param>
/// <param name="Cancelled">Cancelled ones.</param>
public sealed record BatchState(long Total, long Completed, long Failed, long Cancelled);
