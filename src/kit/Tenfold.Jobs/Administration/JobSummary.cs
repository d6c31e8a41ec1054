using System.Text.Json.Serialization;

namespace Tenfold.Jobs.Administration;

/// <summary>Where a job is in its life.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobState>))]
public enum JobState
{
    /// <summary>A worker could start it now.</summary>
    Ready,

    /// <summary>Its time has not come.</summary>
    Scheduled,

    /// <summary>It waits for other jobs.</summary>
    Blocked,

    /// <summary>It waits as others of its key run.</summary>
    Parked,

    /// <summary>A worker holds it.</summary>
    Running,

    /// <summary>Its handler has returned.</summary>
    Completed,

    /// <summary>It has failed for good: a dead letter.</summary>
    Failed,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,
}

/// <summary>Which jobs are listed.</summary>
public sealed record JobFilter
{
    /// <summary>Most jobs in a list.</summary>
    public const int Most = 1000;

    /// <summary>Only of this queue; null is all.</summary>
    public string? Queue { get; init; }

    /// <summary>Only of this kind; null is all.</summary>
    public string? Kind { get; init; }

    /// <summary>Only in this state; null is all.</summary>
    public JobState? State { get; init; }

    /// <summary>At most so many, 1 to 1,000. Default 20.</summary>
    public int Limit { get; init; } = 20;

    /// <summary>Whether those that were enqueued first come first. Default false.</summary>
    public bool OldestFirst { get; init; }
}

/// <summary>A job in a list.</summary>
/// <param name="Id">The job.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="Priority">0 comes first, 9 last.</param>
/// <param name="EnqueuedAt">When it was enqueued.</param>
/// <param name="RunAt">When it is due, for a scheduled one.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Failures">Failed attempts.</param>
/// <param name="Key">What the limits of its queue count it by.</param>
/// <param name="LastError">What went wrong last.</param>
/// <param name="Progress">How far it says that it is, as <c>500 of 1,000: note</c>.</param>
public sealed record JobSummary(
    long Id, string Queue, string Kind, JobState State, int Priority, DateTimeOffset EnqueuedAt, DateTimeOffset? RunAt, DateTimeOffset? EndedAt, int Failures, string? Key, string? LastError, string? Progress);
