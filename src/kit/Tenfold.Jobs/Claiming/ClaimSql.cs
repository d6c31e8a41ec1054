using Npgsql;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Claiming;

/// <summary>Statements that take ready jobs of a queue.</summary>
internal static class ClaimSql
{
    /// <summary>What <see cref="Claimed.Read"/> reads, of a row of <c>jobs</c>.</summary>
    public const string Taken = "id, lane, kind, payload, enqueued_at, CASE WHEN isfinite(deadline) THEN extract(epoch FROM deadline - now())::float8 END, attempts, run + 1, failures, deaths, key IS NOT NULL, unique_key IS NOT NULL, batch, place";

    // $5 worker
    private static readonly string Claim = $"""
        WITH picked AS MATERIALIZED ({Pick("ctid AS at")}),
        taken AS (DELETE FROM tenfold.jobs WHERE ctid = ANY (ARRAY(SELECT at FROM picked)) RETURNING *),
        {Hold("$5", holdsKey: "false")}
        SELECT {Taken} FROM taken
        """;

    public static readonly short[] AllLanes = [.. Enumerable.Range(0, Watermark.Lanes).Select(lane => (short)lane)];

    public const int PlaceColumn = 13;

    public static NpgsqlBatchCommand Command(string queue, ReadOnlySpan<long> after, int limit, long worker)
    {
        var command = new NpgsqlBatchCommand(Claim);
        AddPick(command.Parameters, queue, after, limit);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = worker });
        return command;
    }

    /// <summary>Selects ready jobs and locks them: $1 queue, $2 lanes, $3 places to begin after, $4 how many. One index range for each lane, the first lanes first.</summary>
    public static string Pick(string columns) => $"""
        SELECT job.* FROM unnest($2::smallint[], $3::bigint[]) AS low (lane, place)
        CROSS JOIN LATERAL (
            SELECT {columns} FROM tenfold.jobs WHERE queue = $1 AND lane = low.lane AND place > low.place ORDER BY place LIMIT $4 FOR UPDATE SKIP LOCKED
        ) AS job
        WHERE NOT EXISTS (SELECT FROM tenfold.job_queues WHERE name = $1 AND paused_at IS NOT NULL)
        LIMIT $4
        """;

    /// <summary>What <see cref="Pick"/> asks for.</summary>
    public static void AddPick(NpgsqlParameterCollection parameters, string queue, ReadOnlySpan<long> after, int limit)
    {
        parameters.Add(new NpgsqlParameter<string> { TypedValue = queue });
        parameters.Add(new NpgsqlParameter<short[]> { TypedValue = AllLanes });
        parameters.Add(new NpgsqlParameter<long[]> { TypedValue = after.ToArray() });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
    }

    /// <summary>Puts the rows of <c>taken</c>, which have left <c>jobs</c>, among the running ones.</summary>
    public static string Hold(string worker, string holdsKey) => $"""
        held AS (
            INSERT INTO tenfold.jobs_running ({JobSchema.Columns}, worker, claimed_at, followed, holds_key)
            SELECT {JobSchema.ColumnsWith(("run", "run + 1"))}, {worker}, now(), followed, {holdsKey} FROM taken
        )
        """;

    /// <summary>Whether a ready job is visible between two places of any lane.</summary>
    public static async Task<bool> IsAnyBetweenAsync(NpgsqlConnection connection, string queue, long[] after, long[] upTo, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT EXISTS (SELECT FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS low (lane, after, up_to)
                CROSS JOIN LATERAL (SELECT FROM tenfold.jobs WHERE queue = $1 AND lane = low.lane AND place > low.after AND place <= low.up_to LIMIT 1) AS job WHERE low.up_to > low.after)
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = queue },
                new NpgsqlParameter<short[]> { TypedValue = AllLanes },
                new NpgsqlParameter<long[]> { TypedValue = after },
                new NpgsqlParameter<long[]> { TypedValue = upTo },
            },
        };
        return await command.ExecuteScalarAsync(cancel) is true;
    }

    /// <summary>The oldest transaction that has not ended, and the number of the next one.</summary>
    public static async Task<(ulong Oldest, ulong Next)> SnapshotAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_snapshot_xmin(now_here), pg_snapshot_xmax(now_here) FROM pg_current_snapshot() AS now_here", connection);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        return (rows.GetFieldValue<ulong>(0), rows.GetFieldValue<ulong>(1));
    }

    /// <summary>
    /// Jobs that are unique while they wait are so no more: they are about to run. A transaction that is about to enqueue another one holds the mark: it is not
    /// waited for here.
    /// </summary>
    /// <returns>Those that may not run yet: it must have ended first, so that they see what it has changed.</returns>
    public static async Task<HashSet<long>> UnmarkAsync(NpgsqlConnection connection, long[] jobs, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            WITH marks AS MATERIALIZED (
                SELECT mark.ctid AS at, mark.job FROM tenfold.jobs_running AS job JOIN tenfold.job_unique AS mark ON mark.kind = job.kind AND mark.value = job.unique_key AND mark.job = job.id AND mark.until = 1
                WHERE job.id = ANY ($1)
            ), free AS MATERIALIZED (
                SELECT ctid AS at FROM tenfold.job_unique WHERE ctid = ANY (ARRAY(SELECT at FROM marks)) FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM tenfold.job_unique WHERE ctid = ANY (ARRAY(SELECT at FROM free)) RETURNING job
            )
            SELECT job FROM marks WHERE job NOT IN (SELECT job FROM gone)
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<long[]> { TypedValue = jobs } },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await Ending.EndTransaction.ReadIdsAsync(rows, cancel);
    }

    /// <summary>What a worker holds, as the database has it.</summary>
    public static async Task<List<Claimed>> HeldByAsync(NpgsqlConnection connection, long worker, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            "SELECT id, lane, kind, '{}'::json, enqueued_at, NULL::float8, attempts, run, failures, deaths, key IS NOT NULL, unique_key IS NOT NULL, batch, queue FROM tenfold.jobs_running WHERE worker = $1", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = worker } },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var held = new List<Claimed>();
        while (await rows.ReadAsync(cancel))
        {
            held.Add(Claimed.Read(rows, rows.GetString(PlaceColumn), 0, worker));
        }

        return held;
    }

    /// <summary>Makes scheduled jobs ready whose time has come, the longest due first. Answers with their queues, each once.</summary>
    public static NpgsqlBatchCommand Promote(int limit) => new(
        """
        WITH due AS MATERIALIZED (
            SELECT ctid AS at, run FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at <= clock_timestamp() ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), ready AS (
            UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = CASE WHEN run > 0 THEN lane & ~1 ELSE lane END
            WHERE ctid = ANY (ARRAY(SELECT at FROM due)) RETURNING queue
        )
        SELECT queue, count(*) FROM ready GROUP BY queue
        """)
    {
        Parameters = { new NpgsqlParameter<int> { TypedValue = limit } },
    };

    /// <summary>Time until the next scheduled job is due, in seconds; null when there is none.</summary>
    public static NpgsqlBatchCommand NextDue() => new(
        "SELECT extract(epoch FROM min(run_at) - clock_timestamp())::float8 FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND isfinite(run_at)");
}
