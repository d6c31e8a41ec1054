using Npgsql;
using NpgsqlTypes;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Ending;

/// <summary>Statements that end runs. Each takes only what its run still holds, and answers with what it has taken.</summary>
internal static class EndSql
{
    private const string Started = "clock_timestamp() - make_interval(secs => done.took)";

    private static readonly string ColumnsTold = JobSchema.ColumnsWith(("errors", "told"), ("failures", "failed"));

    // LATERAL with OFFSET: each is looked up by its key. A plan made while the table was empty would compare every row with every ending.
    // Nothing else is to be told of these; those that others wait for are left, and ended by Away.
    private const string DeletePlain = """
        DELETE FROM tenfold.jobs_running AS job USING unnest($1::bigint[], $2::integer[], $3::bigint[], $4::float8[], $5::boolean[]) AS end_of (id, run, worker, took, keep)
        CROSS JOIN LATERAL (
            SELECT ctid AS at FROM tenfold.jobs_running WHERE id = end_of.id AND run = end_of.run AND worker = end_of.worker AND NOT followed OFFSET 0
        ) AS held
        WHERE job.ctid = held.at
        """;

    private static readonly string Plain = $"{DeletePlain} RETURNING job.id";

    private static readonly string PlainKept = $"""
        WITH done AS ({DeletePlain} RETURNING job.*, end_of.took, end_of.keep),
        kept AS (INSERT INTO tenfold.jobs_ended ({JobSchema.Columns}, outcome, started_at, ended_at, worker, progress)
            SELECT {JobSchema.Columns}, 1, {Started}, clock_timestamp(), $6, progress FROM done WHERE keep)
        SELECT id FROM done
        """;

    private static readonly string Away = $"""
        WITH done AS (
            DELETE FROM tenfold.jobs_running AS job USING unnest($1::bigint[], $2::integer[], $3::bigint[], $4::float8[], $5::boolean[], $7::smallint[], $8::jsonb[], $9::jsonb[])
                AS end_of (id, run, worker, took, keep, outcome, error, reported)
            WHERE job.id = end_of.id AND job.run = end_of.run AND job.worker = end_of.worker RETURNING job.*, end_of.took, end_of.keep, end_of.outcome, end_of.error, end_of.reported
        ), told AS (
            SELECT done.*, {JobError.Append("done.errors", "done.error")} AS told, failures + (outcome = 2)::int AS failed FROM done
        ), kept AS (
            INSERT INTO tenfold.jobs_ended ({JobSchema.Columns}, outcome, started_at, ended_at, worker, progress)
            SELECT {ColumnsTold}, outcome, {Started}, clock_timestamp(), $6, coalesce(reported, progress) FROM told AS done WHERE keep
        )
        SELECT {AfterEnd.Columns} FROM done
        """;

    // One that somebody has asked to end has ended with this run.
    private static readonly string Back = $"""
        WITH done AS (
            DELETE FROM tenfold.jobs_running AS job USING unnest($1::bigint[], $2::integer[], $3::bigint[], $4::interval[], $5::boolean[], $6::jsonb[]) AS end_of (id, run, worker, pause, counts, error)
            WHERE job.id = end_of.id AND job.run = end_of.run AND job.worker = end_of.worker RETURNING job.*, end_of.pause, end_of.counts, end_of.error
        ), told AS (
            SELECT done.*, {JobError.Append("done.errors", "done.error")} AS told, failures + counts::int AS failed, lane & ~1 AS first FROM done
        ), back AS (
            INSERT INTO tenfold.jobs ({JobSchema.Columns}, place, run_at, followed)
            SELECT {JobSchema.ColumnsWith(("errors", "told"), ("failures", "failed"), ("lane", "first"))},
                CASE WHEN pause IS NULL THEN nextval('tenfold.job_ids') END, clock_timestamp() + pause, followed FROM told AS done WHERE NOT cancelled
        ), kept AS (
            INSERT INTO tenfold.jobs_ended ({JobSchema.Columns}, outcome, started_at, ended_at, progress)
            SELECT {ColumnsTold}, 3, claimed_at, clock_timestamp(), progress FROM told AS done WHERE cancelled
        )
        SELECT {AfterEnd.Columns.Replace("outcome", "CASE WHEN cancelled THEN 3::smallint END", StringComparison.Ordinal)} FROM done
        """;

    /// <summary>Completes jobs that nobody else is to be told of. Answers with the ids that were held.</summary>
    public static NpgsqlBatchCommand CompletePlain(IReadOnlyCollection<JobEnding> endings, string worker)
    {
        var keeps = endings.Any(ending => ending.Keep);
        var command = new NpgsqlBatchCommand(keeps ? PlainKept : Plain);
        AddCommon(command, endings);
        if (keeps)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        }

        return command;
    }

    /// <summary>Of jobs that their handlers say to have completed, those that are held all the same. Answers with their ids.</summary>
    public static NpgsqlBatchCommand StillHeld(IReadOnlyCollection<JobEnding> endings) => new(
        """
        SELECT job.id FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS end_of (id, run, worker)
        JOIN tenfold.jobs_running AS job ON job.id = end_of.id AND job.run = end_of.run AND job.worker = end_of.worker
        """)
    {
        Parameters = { Ids(endings), Runs(endings), Workers(endings) },
    };

    /// <summary>Completes one job that nobody else is to be told of. Answers whether it was held.</summary>
    public static NpgsqlCommand CompleteOne(JobEnding ending, string worker) => new("SELECT tenfold.job_complete($1, $2, $3, $4, $5, $6)")
    {
        Parameters =
        {
            new NpgsqlParameter<long> { TypedValue = ending.Job.Id },
            new NpgsqlParameter<int> { TypedValue = ending.Job.Run },
            new NpgsqlParameter<long> { TypedValue = ending.Job.Worker },
            new NpgsqlParameter<bool> { TypedValue = ending.Keep },
            new NpgsqlParameter<double> { TypedValue = ending.Took.TotalSeconds },
            new NpgsqlParameter<string> { TypedValue = worker },
        },
    };

    /// <summary>Ends jobs for good. Answers for <see cref="AfterEnd"/>.</summary>
    public static NpgsqlBatchCommand EndAway(IReadOnlyCollection<JobEnding> endings, string worker)
    {
        var command = new NpgsqlBatchCommand(Away);
        AddCommon(command, endings);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = worker });
        command.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. endings.Select(ending => (short)ending.Outcome!.Value)] });
        command.Parameters.Add(Json(endings.Select(ending => ending.Error)));
        command.Parameters.Add(Json(endings.Select(ending => ending.Progress)));
        return command;
    }

    /// <summary>Gives jobs back. Answers for <see cref="AfterEnd"/>.</summary>
    public static NpgsqlBatchCommand EndBack(IReadOnlyCollection<JobEnding> endings) => new(Back)
    {
        Parameters =
        {
            Ids(endings),
            Runs(endings),
            Workers(endings),
            new NpgsqlParameter { Value = endings.Select(ending => ending.After).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval },
            new NpgsqlParameter<bool[]> { TypedValue = [.. endings.Select(ending => ending.Counts)] },
            Json(endings.Select(ending => ending.Error)),
        },
    };

    private static void AddCommon(NpgsqlBatchCommand command, IReadOnlyCollection<JobEnding> endings)
    {
        command.Parameters.Add(Ids(endings));
        command.Parameters.Add(Runs(endings));
        command.Parameters.Add(Workers(endings));
        command.Parameters.Add(new NpgsqlParameter<double[]> { TypedValue = [.. endings.Select(ending => ending.Took.TotalSeconds)] });
        command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. endings.Select(ending => ending.Keep)] });
    }

    private static NpgsqlParameter<long[]> Ids(IReadOnlyCollection<JobEnding> endings) => new() { TypedValue = [.. endings.Select(ending => ending.Job.Id)] };

    private static NpgsqlParameter<int[]> Runs(IReadOnlyCollection<JobEnding> endings) => new() { TypedValue = [.. endings.Select(ending => ending.Job.Run)] };

    private static NpgsqlParameter<long[]> Workers(IReadOnlyCollection<JobEnding> endings) => new() { TypedValue = [.. endings.Select(ending => ending.Job.Worker)] };

    private static NpgsqlParameter Json(IEnumerable<string?> values) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };
}
