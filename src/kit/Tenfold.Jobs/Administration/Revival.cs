using Npgsql;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Administration;

/// <summary>Makes jobs ready again: dead letters, cancelled and scheduled ones.</summary>
internal static class Revival
{
    private const int Together = 500; // in one transaction
    private const int Told = 20; // reasons
    private const short Cancelled = 3;

    // A new place: workers do not look again where they have been. The run goes on counting, as it is the fence.
    private const string Insert = $"INSERT INTO tenfold.jobs ({JobSchema.Columns}, place, waits)";

    private const string Anew = "id, queue, lane | 1, kind, payload, enqueued_at, CASE WHEN deadline > now() THEN deadline END, attempts, run, 0, 0, errors, key, unique_key";

    private const string Plain = $"""
        WITH gone AS (DELETE FROM tenfold.jobs_ended WHERE n = ANY ($1) RETURNING *)
        {Insert} SELECT {Anew}, NULL, after, nextval('tenfold.job_ids'), 0 FROM (SELECT * FROM gone ORDER BY n) AS gone
        """;

    private const string Special = $"""
        WITH gone AS (DELETE FROM tenfold.jobs_ended WHERE n = $1 RETURNING *)
        INSERT INTO tenfold.jobs ({JobSchema.Columns}, place, waits, followed) SELECT {Anew}, $2, after, CASE WHEN $3 = 0 THEN nextval('tenfold.job_ids') END, $3, $4 FROM gone
        """;

    private const string Lock = "SELECT n, id, kind, unique_key, batch, after, outcome, queue, EXISTS (SELECT FROM tenfold.job_batches WHERE job_batches.id = jobs_ended.id) FROM tenfold.jobs_ended";

    // One that is there because of this very job, for a time, stays as it is.
    private const string Mark = """
        INSERT INTO tenfold.job_unique AS is_there (kind, value, job, until) VALUES ($1, $2, $3, 2)
        ON CONFLICT (kind, value) DO UPDATE SET
            job = CASE WHEN is_there.expires_at <= clock_timestamp() THEN excluded.job ELSE is_there.job END,
            until = CASE WHEN is_there.expires_at <= clock_timestamp() THEN excluded.until ELSE is_there.until END,
            expires_at = CASE WHEN is_there.expires_at <= clock_timestamp() THEN NULL ELSE is_there.expires_at END
        RETURNING job
        """;

    // It counts again when it ends again. Where the last job of the batch has been let go, there is nothing left to count for.
    private const string Uncount = """
        UPDATE tenfold.job_batches SET failed = failed - ($2 = 2)::integer, cancelled = cancelled - ($2 = 3)::integer
        WHERE id = $1 AND completed + failed + cancelled < total RETURNING id
        """;

    /// <summary>Makes one job ready. Answers with its queue; null when there is no such job.</summary>
    /// <exception cref="JobException">It cannot be run now.</exception>
    public static async Task<string?> RetryAsync(NpgsqlConnection connection, long id, CancellationToken cancel)
    {
        for (var look = 0; look < 4; look++) // it may be on its way from one table to another
        {
            await using var due = Command(
                connection,
                """
                UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), run_at = NULL WHERE id = $1 AND place IS NULL AND waits = 0 AND run_at IS NOT NULL RETURNING queue
                """,
                id);
            if (await due.ExecuteScalarAsync(cancel) is string queue)
            {
                return queue;
            }

            await using var transaction = await connection.BeginTransactionAsync(cancel);
            if ((await LockAsync(connection, "WHERE id = $1 ORDER BY n DESC LIMIT 1 FOR UPDATE", cancel, Number(id))).FirstOrDefault() is { } ended)
            {
                if (ended.Outcome == 1)
                {
                    throw new JobException($"job {id} has completed; enqueue another one to do it again");
                }

                if (await ReviveAsync(connection, ended, cancel) is { } obstacle)
                {
                    throw new JobException($"job {id} cannot run again: {obstacle}");
                }

                await transaction.CommitAsync(cancel);
                return ended.Queue;
            }

            await transaction.RollbackAsync(cancel);
            if ((await JobReader.FindAsync(connection, id, cancel))?.State is { } state and < JobState.Completed and not JobState.Scheduled)
            {
                throw new JobException($"job {id} {Why(state)}");
            }
        }

        return null;
    }

    /// <summary>Makes dead letters ready that have failed until now.</summary>
    public static async Task<RedriveReport> RedriveAsync(NpgsqlConnection connection, string queue, string? kind, RedriveReport report, CancellationToken cancel)
    {
        // What fails again meanwhile is not taken a second time.
        await using var newest = Command(connection, "SELECT coalesce(max(n), 0) FROM tenfold.jobs_ended WHERE queue = $1 AND outcome = 2", queue);
        var last = (long)(await newest.ExecuteScalarAsync(cancel))!;
        for (var after = 0L; after < last;)
        {
            var (chunk, next) = await Deadlocks.RetriedAsync(() => ChunkAsync(connection, queue, kind, after, last, cancel));
            after = next;
            report = report with
            {
                Redriven = report.Redriven + chunk.Redriven,
                Left = report.Left + chunk.Left,
                Reasons = [.. report.Reasons.Concat(chunk.Reasons).Take(Told)],
            };
            if (chunk.Redriven > 0)
            {
                await Notices.SendAsync(connection, [queue], cancel);
            }
        }

        return report;
    }

    private static async Task<(RedriveReport Chunk, long Next)> ChunkAsync(NpgsqlConnection connection, string queue, string? kind, long after, long last, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var dead = await LockAsync(
            connection,
            $"WHERE queue = $1 AND outcome = 2 AND ($2::text IS NULL OR kind = $2) AND n > $3 AND n <= $4 ORDER BY n LIMIT {Together} FOR UPDATE SKIP LOCKED",
            cancel,
            new NpgsqlParameter<string> { TypedValue = queue },
            new NpgsqlParameter<string?> { TypedValue = kind },
            Number(after),
            Number(last));
        var (redriven, left) = (0L, new List<LeftJob>());
        var plain = new List<long>();
        foreach (var job in dead)
        {
            if (job.IsPlain)
            {
                plain.Add(job.N);
                continue;
            }

            redriven += await ReviveAsync(connection, plain, cancel);
            await transaction.SaveAsync("one", cancel);
            if (await ReviveAsync(connection, job, cancel) is { } obstacle)
            {
                await transaction.RollbackAsync("one", cancel);
                left.Add(new LeftJob(job.Id, obstacle));
            }
            else
            {
                await transaction.ReleaseAsync("one", cancel);
                redriven++;
            }
        }

        redriven += await ReviveAsync(connection, plain, cancel);
        await transaction.CommitAsync(cancel);
        return (new RedriveReport(queue, redriven, left.Count, [.. left.Take(Told)]), dead.Count < Together ? last : dead[^1].N);
    }

    private static async Task<int> ReviveAsync(NpgsqlConnection connection, List<long> plain, CancellationToken cancel)
    {
        if (plain.Count == 0)
        {
            return 0;
        }

        await using var command = new NpgsqlCommand(Plain, connection) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. plain] } } };
        plain.Clear();
        return await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Revives one that others know of. Answers with what is in the way; the caller rolls back then.</summary>
    private static async Task<string?> ReviveAsync(NpgsqlConnection connection, Ended job, CancellationToken cancel)
    {
        if (job.Unique is { } unique)
        {
            await using var mark = Command(connection, Mark, job.Kind, unique, job.Id);
            if (await mark.ExecuteScalarAsync(cancel) is long other && other != job.Id)
            {
                return $"job {other} of the same kind is as unique ('{unique}')";
            }
        }

        long? batch = null;
        if (job.Batch is { } number)
        {
            await using var uncount = Command(connection, Uncount, number, job.Outcome);
            batch = await uncount.ExecuteScalarAsync(cancel) as long?;
        }

        var waits = job.EndsBatch && await IsBatchOpenAsync(connection, job.Id, cancel) ? 1 : 0;
        foreach (var parent in job.After.Distinct().Order())
        {
            switch (await FollowAsync(connection, parent, job.Id, cancel))
            {
                case null:
                    waits++;
                    break;
                case 2 or Cancelled:
                    return $"it comes after job {parent}, which has not completed; retry that one first";
            }
        }

        await using var insert = new NpgsqlCommand(Special, connection)
        {
            Parameters = { Number(job.N), new NpgsqlParameter { Value = (object?)batch ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint }, new NpgsqlParameter<int> { TypedValue = waits }, new NpgsqlParameter<bool> { TypedValue = job.EndsBatch } },
        };
        await insert.ExecuteNonQueryAsync(cancel);
        return null;
    }

    // Locks the batch: what ends it comes after this transaction, and finds the job.
    private static async Task<bool> IsBatchOpenAsync(NpgsqlConnection connection, long batch, CancellationToken cancel)
    {
        await using var command = Command(connection, "SELECT completed + failed + cancelled < total FROM tenfold.job_batches WHERE id = $1 FOR UPDATE", batch);
        return await command.ExecuteScalarAsync(cancel) is true;
    }

    /// <summary>Makes a job wait for another one. Null: it does now; else how the other one has ended (1 also for one that nothing is known of any more).</summary>
    private static async Task<short?> FollowAsync(NpgsqlConnection connection, long parent, long child, CancellationToken cancel)
    {
        for (var look = 0; look < 4; look++) // it may be on its way from one table to another
        {
            foreach (var table in (string[])["jobs", "jobs_running"])
            {
                await using var follow = Command(connection, $"UPDATE tenfold.{table} SET followed = true WHERE id = $1", parent);
                if (await follow.ExecuteNonQueryAsync(cancel) > 0)
                {
                    await using var edge = Command(connection, "INSERT INTO tenfold.job_edges VALUES ($1, $2) ON CONFLICT DO NOTHING", parent, child);
                    await edge.ExecuteNonQueryAsync(cancel);
                    return null;
                }
            }

            await using var outcome = Command(connection, "SELECT outcome FROM tenfold.jobs_ended WHERE id = $1 ORDER BY n DESC LIMIT 1", parent);
            if (await outcome.ExecuteScalarAsync(cancel) is short ended)
            {
                return ended;
            }
        }

        return 1;
    }

    private static string Why(JobState state) => state switch
    {
        JobState.Ready => "is ready already",
        JobState.Blocked => "waits for other jobs; 'show' tells which",
        JobState.Parked => "waits as others of its key run",
        _ => "runs already",
    };

    private static async Task<List<Ended>> LockAsync(NpgsqlConnection connection, string condition, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand($"{Lock} {condition}", connection);
        command.Parameters.AddRange(parameters);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new List<Ended>();
        while (await rows.ReadAsync(cancel))
        {
            found.Add(new Ended(
                rows.GetInt64(0), rows.GetInt64(1), rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3), rows.IsDBNull(4) ? null : rows.GetInt64(4),
                rows.IsDBNull(5) ? [] : rows.GetFieldValue<long[]>(5), rows.GetInt16(6), rows.GetString(7), rows.GetBoolean(8)));
        }

        return found;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private static NpgsqlParameter<long> Number(long value) => new() { TypedValue = value };

    private sealed record Ended(long N, long Id, string Kind, string? Unique, long? Batch, long[] After, short Outcome, string Queue, bool EndsBatch)
    {
        public bool IsPlain => !EndsBatch && Unique is null && Batch is null && After.Length == 0;
    }
}
