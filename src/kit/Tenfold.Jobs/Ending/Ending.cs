using Tenfold.Jobs.Claiming;

namespace Tenfold.Jobs.Ending;

/// <summary>How a job ended, as <c>jobs_ended.outcome</c> has it.</summary>
public enum JobOutcome : short
{
    /// <summary>Its handler has returned.</summary>
    Completed = 1,

    /// <summary>It is a dead letter: it waits for somebody to redrive it.</summary>
    Failed = 2,

    /// <summary>Somebody asked for it.</summary>
    Cancelled = 3,
}

/// <summary>What became of a run.</summary>
/// <param name="Job">The job.</param>
/// <param name="Outcome">How the job ended; null: it goes back to waiting.</param>
/// <param name="Took">How long it ran.</param>
internal sealed record JobEnding(Claimed Job, JobOutcome? Outcome, TimeSpan Took)
{
    /// <summary>For one that goes back: until it is ready; null is at once, before others of its priority.</summary>
    public TimeSpan? After { get; init; }

    /// <summary>Whether this was one of its attempts.</summary>
    public bool Counts { get; init; }

    /// <summary>What went wrong, as JSON.</summary>
    public string? Error { get; init; }

    /// <summary>The last progress that was told, as JSON.</summary>
    public string? Progress { get; init; }

    /// <summary>Whether it is kept in the history.</summary>
    public bool Keep { get; init; }

    /// <summary>For one that its handler has completed in its own transaction: how it ends if that was rolled back.</summary>
    public JobEnding? IfHeld { get; init; }

    /// <summary>The handler has completed it in its own transaction.</summary>
    public bool MayBeGone => IfHeld is not null;

    /// <summary>Ends by one statement with others.</summary>
    public bool IsPlain => Outcome == JobOutcome.Completed && Job.IsPlain && Error is null && Progress is null && !MayBeGone;
}
