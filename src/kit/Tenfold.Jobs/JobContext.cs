using Npgsql;

namespace Tenfold.Jobs;

/// <summary>A job while it runs. Thread-safe.</summary>
public abstract class JobContext
{
    /// <summary>The job.</summary>
    public abstract long Id { get; }

    /// <summary>Its queue.</summary>
    public abstract string Queue { get; }

    /// <summary>Its kind.</summary>
    public abstract string Kind { get; }

    /// <summary>Which attempt this is: 1 for the first. A run whose worker died is not counted.</summary>
    public abstract int Attempt { get; }

    /// <summary>Whether a failure now sends it to the dead letters.</summary>
    public abstract bool IsLastAttempt { get; }

    /// <summary>When it was enqueued, by the database's clock.</summary>
    public abstract DateTimeOffset EnqueuedAt { get; }

    /// <summary>Tells how far the job is. Kept with it and shown by <c>tenfold jobs</c>; written about once in 500 ms, the newest wins.</summary>
    /// <param name="done">So many are done.</param>
    /// <param name="total">Of so many; 0 when nobody knows.</param>
    /// <param name="note">What is being done, at most 200 characters.</param>
    public abstract void Report(long done, long total = 0, string? note = null);

    /// <summary>
    /// Completes the job in the handler's own transaction: what it did there and its completion are committed together or not at all,
    /// so the effect is exactly once. The connection must be to the job's database (number <c>Id % 1000</c> of its store). Call it last, just before
    /// the commit: what it locks, other workers may wait for. A handler that returns without having committed has failed.
    /// </summary>
    /// <param name="transaction">Open.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="JobLostException">The job is another's by now: roll back.</exception>
    public abstract Task CompleteAsync(NpgsqlTransaction transaction, CancellationToken cancel);

    /// <summary>
    /// The inbox, for effects in any database that has the job tables: true for the first transaction that asks and commits, false when
    /// one has already been committed. Concurrent runs wait for each other here.
    /// </summary>
    /// <param name="connection">In the transaction that has the effect.</param>
    /// <param name="step">Which of the job's effects, when it has several.</param>
    /// <param name="cancel">Ends the wait.</param>
    public abstract Task<bool> OnceAsync(NpgsqlConnection connection, string step = "", CancellationToken cancel = default);
}
