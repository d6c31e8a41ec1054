using Npgsql;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Administration;

/// <summary>A database that jobs are in, as the administration reaches it.</summary>
/// <param name="Number">Its number in its store: ids of its jobs end with it. 0 for a store that is not sharded.</param>
/// <param name="OpenAsync">Opens a connection to its primary.</param>
public sealed record AdminDatabase(int Number, Func<CancellationToken, ValueTask<NpgsqlConnection>> OpenAsync);

/// <summary>
/// Looks at the jobs of a store and changes what happens to them: what <c>tenfold jobs</c> does. Each change is one transaction in the
/// job's database. Databases without the tables have no jobs. Thread-safe.
/// </summary>
/// <param name="databases">All databases of the store.</param>
public sealed class JobAdmin(IReadOnlyList<AdminDatabase> databases)
{
    /// <summary>All queues that have jobs, a history or a worker, by name. Costs the same however many jobs wait: counts above 10,000 are estimates.</summary>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task<IReadOnlyList<QueueOverview>> QueuesAsync(CancellationToken cancel)
    {
        var all = await EachAsync((_, connection) => QueueReader.ReadAsync(connection, cancel), cancel);
        return [.. all.SelectMany(queues => queues).GroupBy(queue => queue.Name, StringComparer.Ordinal).OrderBy(queue => queue.Key, StringComparer.Ordinal).Select(QueueOverview.Sum)];
    }

    /// <summary>Some jobs, in the order in which they were enqueued, the newest first unless the filter says otherwise.</summary>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task<IReadOnlyList<JobSummary>> ListAsync(JobFilter filter, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var all = await EachAsync((_, connection) => JobReader.ListAsync(connection, filter, cancel), cancel);
        var jobs = all.SelectMany(found => found);
        return [.. (filter.OldestFirst ? jobs.OrderBy(job => job.EnqueuedAt).ThenBy(job => job.Id) : jobs.OrderByDescending(job => job.EnqueuedAt).ThenByDescending(job => job.Id)).Take(filter.Limit)];
    }

    /// <summary>All that is known of a job; null when there is none of that id (any more).</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public Task<JobDetails?> FindAsync(long id, CancellationToken cancel) => WithAsync(id, connection => JobReader.FindAsync(connection, id, cancel), cancel);

    /// <summary>
    /// Makes a job ready now: a scheduled one at once, a failed or cancelled one with all its attempts anew. A deadline that has passed is
    /// taken off, since it would fail again without being run.
    /// </summary>
    /// <exception cref="JobException">There is no such job, or it cannot be run now; the message says why.</exception>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task RetryAsync(long id, CancellationToken cancel)
    {
        var queue = await WithAsync(id, connection => Deadlocks.RetriedAsync(() => Revival.RetryAsync(connection, id, cancel)), cancel) ?? throw Missing(id);
        await WakeAsync(id, queue, cancel);
    }

    /// <summary>Makes the dead letters of a queue ready that are there now, in the order in which they failed, 500 in a transaction.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="kind">Only of this kind; null is any.</param>
    /// <param name="cancel">Stops after a transaction; what is done is done.</param>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task<RedriveReport> RedriveAsync(string queue, string? kind, CancellationToken cancel)
    {
        var report = new RedriveReport(queue, 0, 0, []);
        foreach (var database in databases)
        {
            await using var connection = await database.OpenAsync(cancel);
            if (await JobSchema.IsThereAsync(connection, cancel))
            {
                report = await Revival.RedriveAsync(connection, queue, kind, report, cancel);
            }
        }

        return report;
    }

    /// <summary>
    /// Cancels a job: a waiting one has ended when this returns; a running one is told, and ends when its handler heeds its token. What
    /// waits for it fails.
    /// </summary>
    /// <returns>What it did.</returns>
    /// <exception cref="JobException">There is no such job, or it has ended already.</exception>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<CancelResult> CancelAsync(long id, CancellationToken cancel) =>
        await WithAsync<CancelResult?>(id, connection => Deadlocks.RetriedAsync(() => Cancellation.CancelAsync(connection, id, cancel)), cancel) ?? throw Missing(id);

    /// <summary>No job of the queue is started until <see cref="ResumeAsync"/>; what runs goes on. Jobs can still be enqueued.</summary>
    /// <exception cref="JobException">There are no jobs yet.</exception>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public Task PauseAsync(string queue, CancellationToken cancel) => SetPausedAsync(
        queue, "INSERT INTO tenfold.job_queues AS is_there (name, paused_at) VALUES ($1, now()) ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(is_there.paused_at, now())", cancel);

    /// <summary>Jobs of the queue are started again.</summary>
    /// <exception cref="JobException">There are no jobs yet.</exception>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task ResumeAsync(string queue, CancellationToken cancel)
    {
        await SetPausedAsync(queue, "UPDATE tenfold.job_queues SET paused_at = NULL WHERE name = $1", cancel);
        foreach (var database in databases)
        {
            await WakeAsync(database, queue, cancel);
        }
    }

    /// <summary>Workers that have a row, also those that were killed and are not cleared away yet.</summary>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task<IReadOnlyList<WorkerState>> WorkersAsync(CancellationToken cancel) =>
        [.. (await EachAsync((database, connection) => WorkerReader.ReadAsync(connection, database.Number, cancel), cancel)).SelectMany(workers => workers).OrderBy(worker => worker.Name, StringComparer.Ordinal).ThenBy(worker => worker.Database)];

    /// <summary>Whether jobs were ever enqueued, or a worker was started: whether any database has the tables.</summary>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    public async Task<bool> IsInUseAsync(CancellationToken cancel) => (await EachAsync((_, _) => Task.FromResult(true), cancel)).Count > 0;

    /// <summary>What is thrown where there is no such job.</summary>
    public static JobException Missing(long id) => new($"there is no job {id}: it was never enqueued, or its history is not kept any more");

    private async Task SetPausedAsync(string queue, string sql, CancellationToken cancel)
    {
        var done = await EachAsync(
            async (_, connection) =>
            {
                await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = queue } } };
                return await command.ExecuteNonQueryAsync(cancel);
            },
            cancel);
        if (done.Count == 0)
        {
            throw new JobException("there are no jobs yet, and so no queues");
        }
    }

    private async Task<List<T>> EachAsync<T>(Func<AdminDatabase, NpgsqlConnection, Task<T>> read, CancellationToken cancel)
    {
        var all = await Task.WhenAll(databases.Select(async database =>
        {
            await using var connection = await database.OpenAsync(cancel);
            return await JobSchema.IsThereAsync(connection, cancel) ? (IsThere: true, Found: await read(database, connection)) : default;
        }));
        return [.. all.Where(one => one.IsThere).Select(one => one.Found)];
    }

    private async Task<T?> WithAsync<T>(long id, Func<NpgsqlConnection, Task<T?>> work, CancellationToken cancel)
    {
        if (DatabaseOf(id) is not { } database)
        {
            return default;
        }

        await using var connection = await database.OpenAsync(cancel);
        return await JobSchema.IsThereAsync(connection, cancel) ? await work(connection) : default;
    }

    private AdminDatabase? DatabaseOf(long id) => databases.FirstOrDefault(database => database.Number == id % JobSchema.Databases);

    private Task WakeAsync(long id, string queue, CancellationToken cancel) => WakeAsync(DatabaseOf(id)!, queue, cancel);

    // After the commit, and on its own: workers would look within a second anyway.
    private static async Task WakeAsync(AdminDatabase database, string queue, CancellationToken cancel)
    {
        await using var connection = await database.OpenAsync(cancel);
        await Notices.SendAsync(connection, [queue], cancel);
    }
}
