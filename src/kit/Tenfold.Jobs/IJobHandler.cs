namespace Tenfold.Jobs;

/// <summary>Does the jobs of one kind. A new one is taken from a scope of the container for each run, so it may have scoped dependencies.</summary>
/// <typeparam name="TJob">The job: a record with <see cref="JobAttribute"/>.</typeparam>
public interface IJobHandler<in TJob>
{
    /// <summary>
    /// Does the job. It may be called again for the same job, in another process too: after a failure, or when a process died or lost
    /// its lease. What must happen once goes through <see cref="JobContext.CompleteAsync"/> or <see cref="JobContext.OnceAsync"/>.
    /// </summary>
    /// <param name="job">What was enqueued.</param>
    /// <param name="context">The job's id, attempt, progress, completion.</param>
    /// <param name="cancel">The job was cancelled, its time is over, it belongs to another worker by now, or the process stops and has waited long enough.</param>
    /// <exception cref="JobRetryException">Run it again after a time that the handler chooses.</exception>
    /// <exception cref="JobFailedException">Do not run it again: it goes to the dead letters.</exception>
    Task HandleAsync(TJob job, JobContext context, CancellationToken cancel);
}
