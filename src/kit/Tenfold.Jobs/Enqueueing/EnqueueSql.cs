using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>Statements that insert jobs. Each answers with one row: the job's id, and whether it is new.</summary>
internal static class EnqueueSql
{
    private const string Ready = """
        INSERT INTO tenfold.jobs (id, place, queue, lane, kind, payload) SELECT n, n, $1, $2, $3, $4 FROM nextval('tenfold.job_ids') AS n RETURNING id, true
        """;

    private const string Columns = "id, place, run_at, queue, lane, kind, payload, deadline, attempts, key, unique_key";

    private const string Values = """
        CASE WHEN $8 IS NULL AND $9 IS NULL THEN n END, coalesce($8, clock_timestamp() + $9), $1, $2, $3, $4, $5, $6, $7
        """;

    private const string WithOptions = $"INSERT INTO tenfold.jobs ({Columns}) SELECT n, {Values}, NULL FROM nextval('tenfold.job_ids') AS n RETURNING id, true";

    // The row of job_unique is locked even where it stays as it is: the job that it names does not start before this transaction has ended,
    // so it sees what this transaction has changed. It waits for others that do the same: with an id, so that workers do not go past its place meanwhile.
    private const string Unique = $"""
        WITH new AS MATERIALIZED (SELECT nextval('tenfold.job_ids') AS n FROM pg_current_xact_id()), mark AS (
            INSERT INTO tenfold.job_unique AS is_there (kind, value, job, until, expires_at)
            SELECT $3, $10, n, $11, CASE WHEN $11 = 3 THEN clock_timestamp() + $12 END FROM new
            ON CONFLICT (kind, value) DO UPDATE SET
                job = CASE WHEN is_there.expires_at <= clock_timestamp() THEN excluded.job ELSE is_there.job END,
                until = CASE WHEN is_there.expires_at <= clock_timestamp() THEN excluded.until ELSE is_there.until END,
                expires_at = CASE WHEN is_there.expires_at <= clock_timestamp() THEN excluded.expires_at ELSE is_there.expires_at END
            RETURNING job
        ), made AS (
            INSERT INTO tenfold.jobs ({Columns}) SELECT n, {Values}, $10 FROM new JOIN mark ON mark.job = new.n
        )
        SELECT job, job = n FROM mark, new
        """;

    // $10 the jobs to wait for
    private const string After = """
        SELECT tenfold.job_enqueue_after($1, $2, $3, $4, $5, $6, $7, coalesce($8, clock_timestamp() + $9), $10), true
        """;

    /// <summary>The statement for a job, for a batch of the caller's.</summary>
    public static NpgsqlBatchCommand Command(JobRow job)
    {
        var options = job.Options;
        if (options.After.Count > 0 && options.Unique is not null)
        {
            throw new JobException($"a job of kind '{job.Kind}' cannot be enqueued: it is unique and waits for other jobs; only one of these is possible");
        }

        var command = new NpgsqlBatchCommand(job.IsPlain ? Ready : options.Unique is not null ? Unique : options.After.Count > 0 ? After : WithOptions);
        var parameters = command.Parameters;
        AddRow(parameters, job);
        if (job.IsPlain)
        {
            return command;
        }

        AddOptions(parameters, options);
        if (options.Unique is { } unique)
        {
            Add(parameters, unique.Value, NpgsqlDbType.Text);
            Add(parameters, (short)unique.While, NpgsqlDbType.Smallint);
            Add(parameters, unique.For, NpgsqlDbType.Interval);
        }
        else if (options.After.Count > 0)
        {
            Add(parameters, options.After.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint);
        }

        return command;
    }

    /// <summary>$1 queue, $2 lane, $3 kind, $4 payload.</summary>
    public static void AddRow(NpgsqlParameterCollection parameters, JobRow job)
    {
        parameters.Add(new NpgsqlParameter<string> { TypedValue = job.Queue });
        parameters.Add(new NpgsqlParameter<short> { TypedValue = job.Lane });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = job.Kind });
        parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = job.Payload, NpgsqlDbType = JobRow.PayloadType });
    }

    /// <summary>$5 deadline, $6 attempts, $7 key, $8 moment, $9 delay.</summary>
    public static void AddOptions(NpgsqlParameterCollection parameters, EnqueueOptions options)
    {
        Add(parameters, options.Deadline?.UtcDateTime, NpgsqlDbType.TimestampTz);
        Add(parameters, (short?)options.Attempts, NpgsqlDbType.Smallint);
        Add(parameters, options.Key, NpgsqlDbType.Text);
        Add(parameters, options.At?.UtcDateTime, NpgsqlDbType.TimestampTz);
        Add(parameters, options.Delay, NpgsqlDbType.Interval);
    }

    private static void Add(NpgsqlParameterCollection parameters, object? value, NpgsqlDbType type) =>
        parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}
