namespace Tenfold.Jobs;

/// <summary>Thrown by a handler: run the job again, after <see cref="After"/>. Counts as a failed attempt unless <see cref="Counts"/> is false.</summary>
public sealed class JobRetryException(TimeSpan after, string reason, Exception? cause = null) : Exception(reason, cause)
{
    /// <summary>How long until the job is ready again.</summary>
    public TimeSpan After { get; } = after;

    /// <summary>Whether this was one of the job's attempts. Default true; false for "not yet", such as a receiver that asked for a pause.</summary>
    public bool Counts { get; init; } = true;
}

/// <summary>Thrown by a handler: the job will never succeed, it goes to the dead letters at once.</summary>
public sealed class JobFailedException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>
/// The job is no longer this run's: its worker was presumed dead and another one has it, or it was completed already. Whatever
/// the handler did in the same transaction must be rolled back, which disposing of the transaction does.
/// </summary>
public sealed class JobLostException(long id) : Exception($"job {id} is no longer held by this run: another worker has it, or it has ended")
{
    /// <summary>The job.</summary>
    public long Id { get; } = id;
}

/// <summary>What was enqueued makes no sense: an unknown kind, a priority out of range, a payload that is too large.</summary>
public sealed class JobException(string message) : Exception(message);

/// <summary>An option of jobs is out of range; the message names the queue and the option, what was found and what is allowed.</summary>
public sealed class JobOptionsException(string message) : Exception(message);
