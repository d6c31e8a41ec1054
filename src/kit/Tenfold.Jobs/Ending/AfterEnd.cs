using Npgsql;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Ending;

/// <summary>A job that has left the tables of waiting or running jobs.</summary>
internal sealed record Gone(long Id, string Kind, string Queue, string? Key, string? Unique, long? Batch, bool IsFollowed, bool HeldKey, JobOutcome? Outcome)
{
    public static Gone Read(NpgsqlDataReader row) => new(
        row.GetInt64(0),
        row.GetString(1),
        row.GetString(2),
        row.IsDBNull(3) ? null : row.GetString(3),
        row.IsDBNull(4) ? null : row.GetString(4),
        row.IsDBNull(5) ? null : row.GetInt64(5),
        row.GetBoolean(6),
        row.GetBoolean(7),
        row.IsDBNull(8) ? null : (JobOutcome)row.GetInt16(8));
}

/// <summary>
/// What follows when jobs have ended or gone back, in the same transaction: marks of unique jobs are lifted, keys and batches count, jobs
/// that waited become ready or fail. Rows are locked in the order of their keys.
/// </summary>
internal static class AfterEnd
{
    /// <summary>What <see cref="Gone.Read"/> reads, of <c>jobs_running</c> and an outcome.</summary>
    public const string Columns = "id, kind, queue, key, unique_key, batch, followed, holds_key, outcome";

    private const string Unmark = """
        WITH locked AS MATERIALIZED (
            SELECT mark.kind, mark.value, mark.job FROM tenfold.job_unique AS mark JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS job (kind, value, id)
                ON mark.kind = job.kind AND mark.value = job.value AND mark.job = job.id AND mark.until <> 3
            ORDER BY mark.kind, mark.value FOR UPDATE OF mark
        )
        DELETE FROM tenfold.job_unique AS mark USING locked WHERE mark.kind = locked.kind AND mark.value = locked.value AND mark.job = locked.job AND mark.until <> 3
        """;

    private const string FreeKeys = """
        WITH freed AS (SELECT queue, key, count(*)::integer AS n FROM unnest($1::text[], $2::text[]) AS job (queue, key) GROUP BY queue, key),
        locked AS MATERIALIZED (SELECT is_there.queue, is_there.key FROM tenfold.job_keys AS is_there JOIN freed USING (queue, key) ORDER BY queue, key FOR UPDATE OF is_there)
        UPDATE tenfold.job_keys AS is_there SET running = greatest(0, is_there.running - freed.n) FROM freed JOIN locked USING (queue, key)
        WHERE is_there.queue = freed.queue AND is_there.key = freed.key
        """;

    // A statement of its own: it must see what was parked while the one before waited for the key.
    private const string Unpark = """
        UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = lane & ~1 WHERE ctid = ANY (ARRAY(
            SELECT parked.at FROM (SELECT queue, key, count(*) AS n FROM unnest($1::text[], $2::text[]) AS job (queue, key) GROUP BY queue, key) AS freed
            CROSS JOIN LATERAL (SELECT ctid AS at FROM tenfold.jobs WHERE queue = freed.queue AND key = freed.key AND place IS NULL AND waits = 0 AND run_at IS NULL
                ORDER BY lane, id LIMIT freed.n FOR UPDATE SKIP LOCKED) AS parked))
        RETURNING queue
        """;

    private const string CountBatches = """
        WITH ended AS (
            SELECT batch, count(*) FILTER (WHERE outcome = 1) AS completed, count(*) FILTER (WHERE outcome = 2) AS failed, count(*) FILTER (WHERE outcome = 3) AS cancelled
            FROM unnest($1::bigint[], $2::smallint[]) AS job (batch, outcome) GROUP BY batch
        ), locked AS MATERIALIZED (SELECT is_there.id FROM tenfold.job_batches AS is_there JOIN ended ON ended.batch = is_there.id ORDER BY is_there.id FOR UPDATE OF is_there)
        UPDATE tenfold.job_batches AS is_there SET completed = is_there.completed + ended.completed, failed = is_there.failed + ended.failed, cancelled = is_there.cancelled + ended.cancelled
        FROM ended JOIN locked ON locked.id = ended.batch WHERE is_there.id = ended.batch
        """;

    // A statement of its own: it must see a last job that was retried while the one before waited for the batch.
    private const string EndBatches = """
        UPDATE tenfold.jobs AS job SET waits = job.waits - 1, place = CASE WHEN job.waits = 1 AND job.run_at IS NULL THEN nextval('tenfold.job_ids') END
        FROM tenfold.job_batches AS batch WHERE batch.id = ANY ($1) AND batch.completed + batch.failed + batch.cancelled >= batch.total AND job.id = batch.id AND job.waits > 0
        RETURNING job.queue
        """;

    private const string Follow = """
        WITH gone AS (DELETE FROM tenfold.job_edges WHERE parent = ANY ($1) RETURNING child),
        less AS (SELECT child, count(*)::integer AS n FROM gone GROUP BY child),
        locked AS MATERIALIZED (SELECT job.id FROM tenfold.jobs AS job JOIN less ON less.child = job.id ORDER BY job.id FOR UPDATE OF job)
        UPDATE tenfold.jobs AS job SET waits = job.waits - less.n, place = CASE WHEN job.waits = less.n AND job.run_at IS NULL THEN nextval('tenfold.job_ids') END
        FROM less JOIN locked ON locked.id = less.child WHERE job.id = less.child
        RETURNING job.queue
        """;

    private static readonly string FailChildren = $$"""
        WITH gone AS (DELETE FROM tenfold.job_edges WHERE parent = ANY ($1) RETURNING child, parent),
        why AS (SELECT child, min(parent) AS parent FROM gone GROUP BY child),
        others AS (DELETE FROM tenfold.job_edges WHERE child IN (SELECT child FROM why) AND parent <> ALL ($1)),
        locked AS MATERIALIZED (SELECT job.id FROM tenfold.jobs AS job JOIN why ON why.child = job.id ORDER BY job.id FOR UPDATE OF job),
        done AS (DELETE FROM tenfold.jobs AS job USING locked, why WHERE job.id = locked.id AND why.child = job.id RETURNING job.*,
            jsonb_build_object('run', job.run, 'worker', '', 'error', format('job %s, which this one waited for, did not complete', why.parent)) AS error),
        kept AS (INSERT INTO tenfold.jobs_ended ({{JobSchema.Columns}}, outcome)
            SELECT {{JobSchema.ColumnsWith(("errors", JobError.Append("errors", "error")))}}, 2 FROM done)
        SELECT id, kind, queue, key, unique_key, batch, followed, false, 2::smallint FROM done
        """;

    private const string ForgetBatches = "DELETE FROM tenfold.job_batches WHERE id = ANY ($1)";

    /// <summary>Does what follows, in the connection's transaction.</summary>
    /// <returns>Queues that have got ready jobs.</returns>
    public static async Task<IReadOnlySet<string>> ApplyAsync(NpgsqlConnection connection, IReadOnlyList<Gone> jobs, CancellationToken cancel)
    {
        var ready = new HashSet<string>(StringComparer.Ordinal);
        for (var round = jobs; round.Count > 0;)
        {
            await UnmarkAsync(connection, [.. round.Where(job => job is { Outcome: not null, Unique: not null })], cancel);
            await FreeKeysAsync(connection, [.. round.Where(job => job.HeldKey)], ready, cancel);
            await CountBatchesAsync(connection, [.. round.Where(job => job is { Outcome: not null, Batch: not null })], ready, cancel);
            round = await FollowAsync(connection, [.. round.Where(job => job is { Outcome: not null, IsFollowed: true })], ready, cancel);
        }

        return ready;
    }

    private static async Task UnmarkAsync(NpgsqlConnection connection, Gone[] jobs, CancellationToken cancel)
    {
        if (jobs.Length > 0)
        {
            await ExecuteAsync(connection, Unmark, null, cancel, Texts(jobs.Select(job => job.Kind)), Texts(jobs.Select(job => job.Unique!)), Numbers(jobs.Select(job => job.Id)));
        }
    }

    private static async Task FreeKeysAsync(NpgsqlConnection connection, Gone[] jobs, HashSet<string> ready, CancellationToken cancel)
    {
        if (jobs.Length > 0)
        {
            await ExecuteAsync(connection, FreeKeys, null, cancel, Texts(jobs.Select(job => job.Queue)), Texts(jobs.Select(job => job.Key!)));
            await ExecuteAsync(connection, Unpark, ready, cancel, Texts(jobs.Select(job => job.Queue)), Texts(jobs.Select(job => job.Key!)));
        }
    }

    private static async Task CountBatchesAsync(NpgsqlConnection connection, Gone[] jobs, HashSet<string> ready, CancellationToken cancel)
    {
        if (jobs.Length > 0)
        {
            await ExecuteAsync(connection, CountBatches, null, cancel, Numbers(jobs.Select(job => job.Batch!.Value)), new NpgsqlParameter<short[]> { TypedValue = [.. jobs.Select(job => (short)job.Outcome!.Value)] });
            await ExecuteAsync(connection, EndBatches, ready, cancel, Numbers(jobs.Select(job => job.Batch!.Value).Distinct()));
        }
    }

    private static async Task<IReadOnlyList<Gone>> FollowAsync(NpgsqlConnection connection, Gone[] jobs, HashSet<string> ready, CancellationToken cancel)
    {
        if (jobs.Length == 0)
        {
            return [];
        }

        var completed = jobs.Where(job => job.Outcome == JobOutcome.Completed).Select(job => job.Id).ToArray();
        if (completed.Length > 0)
        {
            await ExecuteAsync(connection, ForgetBatches, null, cancel, Numbers(completed)); // one whose last job has failed stays: that may be retried
            await ExecuteAsync(connection, Follow, ready, cancel, Numbers(completed));
        }

        var others = jobs.Where(job => job.Outcome != JobOutcome.Completed).Select(job => job.Id).ToArray();
        if (others.Length == 0)
        {
            return [];
        }

        await using var command = new NpgsqlCommand(FailChildren, connection) { Parameters = { Numbers(others) } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var failed = new List<Gone>();
        while (await rows.ReadAsync(cancel))
        {
            failed.Add(Gone.Read(rows));
        }

        return failed;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, HashSet<string>? ready, CancellationToken cancel, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            ready?.Add(rows.GetString(0));
        }
    }

    private static NpgsqlParameter<string[]> Texts(IEnumerable<string> values) => new() { TypedValue = [.. values] };

    private static NpgsqlParameter<long[]> Numbers(IEnumerable<long> values) => new() { TypedValue = [.. values] };
}
