using Npgsql;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Kinds;

namespace Tenfold.Jobs;

/// <summary>Enqueues jobs. Thread-safe; one for an app.</summary>
public sealed class JobClient
{
    private readonly JobKinds _kinds;
    private readonly JobDatabases _databases;
    private readonly Waker _waker;
    private readonly int _mostPayload;

    internal JobClient(JobKinds kinds, JobDatabases databases, Waker waker, JobOptions options) =>
        (_kinds, _databases, _waker, _mostPayload) = (kinds, databases, waker, options.MostPayload);

    /// <summary>
    /// Enqueues a job in the connection's open transaction: it runs if and when that commits. In a sharded store the job is in the
    /// database of the connection.
    /// </summary>
    /// <param name="connection">Open; without a transaction the job is enqueued by itself.</param>
    /// <param name="job">The job.</param>
    /// <param name="options">Where it differs from its queue.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="JobException">The job cannot be enqueued as it is: unknown kind, too large, something out of range.</exception>
    /// <exception cref="NpgsqlException">PostgreSQL refused, or is away.</exception>
    public async Task<Enqueued> EnqueueAsync<TJob>(NpgsqlConnection connection, TJob job, EnqueueOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var row = Row(job, options);
        var enqueued = await InsertAsync(connection, row, cancel);
        Wake(enqueued, row, committed: false);
        return enqueued;
    }

    /// <summary>Enqueues a job by itself, in the first database of the store.</summary>
    /// <inheritdoc cref="EnqueueAsync{TJob}(NpgsqlConnection, TJob, EnqueueOptions?, CancellationToken)"/>
    public async Task<Enqueued> EnqueueAsync<TJob>(TJob job, EnqueueOptions? options = null, CancellationToken cancel = default)
    {
        var row = Row(job, options);
        Enqueued enqueued;
        await using (var connection = await _databases.Now[0].Store.OpenWriterAsync(null, cancel))
        {
            enqueued = await InsertAsync(connection, row, cancel);
        }

        Wake(enqueued, row, committed: true);
        return enqueued;
    }

    /// <summary>
    /// Enqueues many jobs that are alike but for their payload, by COPY, in the connection's open transaction (without one, 10,000 at a
    /// time). They cannot be unique or wait for others.
    /// </summary>
    /// <returns>Their ids, in order.</returns>
    /// <inheritdoc cref="EnqueueAsync{TJob}(NpgsqlConnection, TJob, EnqueueOptions?, CancellationToken)"/>
    public async Task<IReadOnlyList<long>> EnqueueManyAsync<TJob>(NpgsqlConnection connection, IReadOnlyCollection<TJob> jobs, EnqueueOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(jobs);
        RequireAlike(options);
        if (jobs.Count == 0)
        {
            return [];
        }

        var ids = await ManyJobs.InsertAsync(connection, jobs.Select(job => Row(job, options)), null, cancel);
        Wake(new Enqueued(ids[0], true), Row(jobs.First(), options), committed: false);
        return ids;
    }

    /// <summary>
    /// Enqueues jobs that belong together, and one that runs when all of them have ended, however they ended: completed, failed or cancelled
    /// (<see cref="FindBatchAsync"/> counts them). All in one transaction.
    /// </summary>
    /// <param name="transaction">Open; its connection's database has all of them.</param>
    /// <param name="jobs">At least one.</param>
    /// <param name="final">Runs last.</param>
    /// <param name="options">Of the jobs.</param>
    /// <param name="finalOptions">Of the last one. Its id is the batch's.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The batch's id, which is the final job's.</returns>
    /// <exception cref="JobException">A job cannot be enqueued as it is, or there are none.</exception>
    /// <exception cref="NpgsqlException">PostgreSQL refused, or is away.</exception>
    public async Task<long> EnqueueBatchAsync<TJob, TFinal>(
        NpgsqlTransaction transaction, IReadOnlyCollection<TJob> jobs, TFinal final, EnqueueOptions? options = null, EnqueueOptions? finalOptions = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(jobs);
        RequireAlike(options);
        RequireAlike(finalOptions);
        if (jobs.Count == 0)
        {
            throw new JobException("a batch needs at least one job");
        }

        var connection = transaction.Connection!;
        var batch = await Batches.OpenAsync(connection, Row(final, finalOptions), jobs.Count, cancel);
        await ManyJobs.InsertAsync(connection, jobs.Select(job => Row(job, options)), batch, cancel);
        Wake(new Enqueued(batch, true), Row(jobs.First(), options), committed: false);
        return batch;
    }

    /// <summary>How the jobs of a batch have ended so far; null for one that is over (its final job has completed) or never was.</summary>
    /// <param name="batch">Its id: that of its final job, e.g. <see cref="JobContext.Id"/> in its handler.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="NpgsqlException">PostgreSQL is away.</exception>
    public async Task<JobBatch?> FindBatchAsync(long batch, CancellationToken cancel = default)
    {
        if (_databases.Of(batch) is not { } database)
        {
            return null;
        }

        await using var connection = await database.Store.OpenWriterAsync(null, cancel);
        return await Batches.FindAsync(connection, batch, cancel);
    }

    /// <summary>
    /// The statement that enqueues a job, for a batch of the caller's: it travels with its other statements and costs no round trip
    /// of its own. Answers with one row: the job's id, and whether it is new. Call <see cref="Told"/> after the commit, or the job waits for
    /// the next look of a worker (about a second).
    /// </summary>
    /// <inheritdoc cref="EnqueueAsync{TJob}(NpgsqlConnection, TJob, EnqueueOptions?, CancellationToken)"/>
    public NpgsqlBatchCommand Command<TJob>(TJob job, EnqueueOptions? options = null) => EnqueueSql.Command(Row(job, options));

    /// <summary>Tells workers of a queue in a database (0 when the store is not sharded) that a job was committed.</summary>
    public void Told(string queue, int database = 0)
    {
        if (_databases.Of(database) is { } known)
        {
            _waker.Wake(known, queue, committed: true);
        }
    }

    private static void RequireAlike(EnqueueOptions? options)
    {
        if (options is { Unique: not null } or { After.Count: > 0 })
        {
            throw new JobException("many jobs at once can neither be unique nor wait for others");
        }
    }

    private static async Task<Enqueued> InsertAsync(NpgsqlConnection connection, JobRow row, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { EnqueueSql.Command(row) } };
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        return new Enqueued(rows.GetInt64(0), rows.GetBoolean(1));
    }

    private JobRow Row<TJob>(TJob job, EnqueueOptions? options) => JobRow.Of(_kinds.Of<TJob>(), job, options, _mostPayload);

    private void Wake(Enqueued enqueued, JobRow row, bool committed)
    {
        if (enqueued.IsNew && row.Options is { Delay: null, At: null } && _databases.Of(enqueued.Id) is { } database)
        {
            _waker.Wake(database, row.Queue, committed);
        }
    }
}
