using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace Tenfold.Jobs.Administration;

/// <summary>Reads jobs of one database, wherever they are in their life.</summary>
internal static class JobReader
{
    private const int Shown = 100; // of the jobs around one

    private const string WaitingState = "CASE WHEN place IS NOT NULL THEN 0 WHEN waits > 0 THEN 2 WHEN run_at IS NOT NULL THEN 1 ELSE 3 END";

    private const string Waiting = $"""
        SELECT id, queue, kind, {WaitingState} AS state, lane, enqueued_at, run_at, NULL::timestamptz AS ended_at, failures, key, errors -> -1 ->> 'error' AS error, NULL::jsonb AS progress
        FROM tenfold.jobs
        """;

    private const string Running = """
        SELECT id, queue, kind, 4, lane, enqueued_at, NULL, NULL, failures, key, errors -> -1 ->> 'error', progress FROM tenfold.jobs_running
        """;

    private const string Ended = """
        SELECT id, queue, kind, outcome + 4, lane, enqueued_at, NULL, ended_at, failures, key, errors -> -1 ->> 'error', progress FROM tenfold.jobs_ended
        """;

    private const string Common = "id, queue, kind, lane, payload, enqueued_at, deadline, attempts, run, failures, deaths, errors, key, unique_key, batch, after";

    // A job that changes tables meanwhile may be in two of these or in none: one statement sees one moment.
    private const string Find = $"""
        SELECT *, (SELECT array_agg(parent) FROM (SELECT parent FROM tenfold.job_edges WHERE child = $1 ORDER BY parent LIMIT $2) AS few) AS waits_for,
            (SELECT array_agg(child) FROM (SELECT child FROM tenfold.job_edges WHERE parent = $1 ORDER BY child LIMIT $2) AS few) AS followers,
            (SELECT ARRAY[total, completed, failed, cancelled] FROM tenfold.job_batches WHERE id = $1) AS ends
        FROM (
            SELECT {WaitingState} AS state, {Common}, run_at, NULL::timestamptz AS started_at, NULL::timestamptz AS ended_at, NULL AS worker, false AS cancelled, NULL::jsonb AS progress, 0::bigint AS n
            FROM tenfold.jobs WHERE id = $1
            UNION ALL
            SELECT 4, {Common}, NULL, claimed_at, NULL, coalesce((SELECT name FROM tenfold.job_workers WHERE id = worker), format('worker %s', worker)), cancelled, progress, 0
            FROM tenfold.jobs_running WHERE id = $1
            UNION ALL
            SELECT outcome + 4, {Common}, NULL, started_at, ended_at, worker, false, progress, n FROM tenfold.jobs_ended WHERE id = $1
        ) AS found ORDER BY state < 5 DESC, n DESC LIMIT 1
        """;

    public static async Task<IReadOnlyList<JobSummary>> ListAsync(NpgsqlConnection connection, JobFilter filter, CancellationToken cancel)
    {
        var order = filter.OldestFirst ? "ASC" : "DESC";
        var parts = new List<string>();
        if (filter.State is null or <= JobState.Parked)
        {
            parts.Add(Part(Waiting, filter.State is { } state ? Condition(state) : null));
        }

        if (filter.State is null or JobState.Running)
        {
            parts.Add(Part(Running, null));
        }

        if (filter.State is null or > JobState.Running)
        {
            parts.Add(Part(Ended, filter.State is { } state ? $"outcome = {(int)state - 4}" : null));
        }

        await using var command = new NpgsqlCommand($"SELECT * FROM ({string.Join(" UNION ALL ", parts)}) AS found ORDER BY id {order} LIMIT $1", connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Math.Clamp(filter.Limit, 1, JobFilter.Most) });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = filter.Queue });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = filter.Kind });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var jobs = new List<JobSummary>();
        while (await rows.ReadAsync(cancel))
        {
            jobs.Add(Summary(rows));
        }

        return jobs;

        string Part(string select, string? condition) =>
            $"({select} WHERE ($2::text IS NULL OR queue = $2) AND ($3::text IS NULL OR kind = $3){(condition is null ? "" : $" AND {condition}")} ORDER BY id {order} LIMIT $1)";
    }

    public static async Task<JobDetails?> FindAsync(NpgsqlConnection connection, long id, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Find, connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = id }, new NpgsqlParameter<int> { TypedValue = Shown } },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Details(rows) : null;
    }

    private static string Condition(JobState state) => state switch
    {
        JobState.Ready => "place IS NOT NULL",
        JobState.Blocked => "place IS NULL AND waits > 0",
        JobState.Scheduled => "place IS NULL AND waits = 0 AND run_at IS NOT NULL",
        _ => "place IS NULL AND waits = 0 AND run_at IS NULL",
    };

    private static JobSummary Summary(NpgsqlDataReader row) => new(
        row.GetInt64(0),
        row.GetString(1),
        row.GetString(2),
        (JobState)row.GetInt32(3),
        row.GetInt16(4) / 2,
        row.GetFieldValue<DateTimeOffset>(5),
        Time(row, 6),
        Time(row, 7),
        row.GetInt16(8),
        Text(row, 9),
        Text(row, 10),
        Json(row, 11) is { } progress ? Say(progress) : null);

    private static JobDetails Details(NpgsqlDataReader row) => new()
    {
        State = (JobState)row.GetInt32(0),
        Id = row.GetInt64(1),
        Queue = row.GetString(2),
        Kind = row.GetString(3),
        Priority = row.GetInt16(4) / 2,
        Payload = Json(row, 5)!.Value,
        EnqueuedAt = row.GetFieldValue<DateTimeOffset>(6),
        Deadline = Time(row, 7),
        Attempts = row.IsDBNull(8) ? null : row.GetInt16(8),
        Runs = row.GetInt32(9),
        Failures = row.GetInt16(10),
        Deaths = row.GetInt16(11),
        Errors = Json(row, 12),
        Key = Text(row, 13),
        Unique = Text(row, 14),
        Batch = row.IsDBNull(15) ? null : row.GetInt64(15),
        After = Ids(row, 16),
        RunAt = Time(row, 17),
        StartedAt = Time(row, 18),
        EndedAt = Time(row, 19),
        Worker = Text(row, 20),
        IsCancelRequested = row.GetBoolean(21),
        Progress = Json(row, 22),
        WaitsFor = Ids(row, 24),
        Followers = Ids(row, 25),
        Ends = Ids(row, 26) is [var total, var completed, var failed, var cancelled] ? new BatchState(total, completed, failed, cancelled) : null,
    };

    /// <summary>Progress in words.</summary>
    internal static string Say(JsonElement progress)
    {
        var (done, total) = (Number("done"), Number("total"));
        var counts = string.Create(CultureInfo.InvariantCulture, $"{done:N0}{(total > 0 ? $" of {total:N0}" : "")}");
        return progress.TryGetProperty("note", out var note) && note.ValueKind == JsonValueKind.String && note.GetString() is { Length: > 0 } said ? $"{counts}: {said}" : counts;

        long Number(string name) => progress.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number : 0;
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);

    private static JsonElement? Json(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : JsonElement.Parse(row.GetString(column));

    private static long[] Ids(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? [] : row.GetFieldValue<long[]>(column);
}
