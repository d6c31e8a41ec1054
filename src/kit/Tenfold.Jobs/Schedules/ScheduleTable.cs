using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Schedules;

/// <summary>The table <c>job_schedules</c>. Its clock is the database's.</summary>
internal static class ScheduleTable
{
    /// <summary>A schedule that nobody has declared for so long is forgotten, and with it when it ran last.</summary>
    private const string Forgotten = "1 day";

    private const string Declare = """
        INSERT INTO tenfold.job_schedules AS is_there (name, cron, zone, next_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, zone = excluded.zone, seen_at = now(),
            next_at = CASE WHEN is_there.cron = excluded.cron AND is_there.zone = excluded.zone THEN is_there.next_at ELSE excluded.next_at END
        """;

    /// <summary>Puts schedules into the table as an app declares them when it starts. One that is there with the same expression keeps when it is due.</summary>
    public static async Task DeclareAsync(NpgsqlConnection connection, IEnumerable<JobSchedule> schedules, CancellationToken cancel)
    {
        var now = await NowAsync(connection, cancel);
        foreach (var schedule in schedules.OrderBy(one => one.Name, StringComparer.Ordinal))
        {
            if (schedule.Times.Next(now) is { } next)
            {
                await using var command = new NpgsqlCommand(Declare, connection) { Parameters = { Text(schedule.Name), Text(schedule.Cron), Text(schedule.Zone), Time(next) } };
                await command.ExecuteNonQueryAsync(cancel);
            }
        }
    }

    /// <summary>Says that the schedules are still declared, and forgets what nobody has declared for a day.</summary>
    public static async Task SeenAsync(NpgsqlConnection connection, IEnumerable<JobSchedule> schedules, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("UPDATE tenfold.job_schedules SET seen_at = now() WHERE name = ANY ($1) AND seen_at < now() - interval '30 s'") { Parameters = { Names(schedules) } },
                new NpgsqlBatchCommand($"DELETE FROM tenfold.job_schedules WHERE seen_at < now() - interval '{Forgotten}'"),
            },
        };
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Enqueues the job of one schedule that is due and that no other process has at the moment, and notes when it is due next: in one transaction.</summary>
    /// <returns>Its name, and why it could not be enqueued where that is its own fault; null: none is due.</returns>
    /// <exception cref="NpgsqlException">The database is away.</exception>
    public static async Task<(string Name, Exception? Failure)?> RunOneAsync(NpgsqlConnection connection, IReadOnlyDictionary<string, JobSchedule> schedules, JobClient client, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        if (await DueAsync(connection, schedules.Values, cancel) is not { } due)
        {
            return null;
        }

        try
        {
            await EnqueueAsync(connection, due, schedules[due.Name], client, cancel);
            await transaction.CommitAsync(cancel);
            return (due.Name, null);
        }
        catch (Exception e) when (e is PostgresException or not (NpgsqlException or IOException or TimeoutException or OperationCanceledException))
        {
            return (due.Name, e); // rolled back
        }
    }

    private static async Task EnqueueAsync(NpgsqlConnection connection, Due due, JobSchedule schedule, JobClient client, CancellationToken cancel)
    {
        // What the table says and not what this process declared: another one may have brought a newer expression. Runs that were missed are one run.
        var next = CronTimes.Parse(due.Cron, due.Zone).Next(due.Now) ?? DateTimeOffset.MaxValue;
        var enqueued = await schedule.EnqueueAsync(client, connection, cancel);
        await using var command = new NpgsqlCommand("UPDATE tenfold.job_schedules SET last_at = next_at, last_job = $2, next_at = $3 WHERE name = $1", connection)
        {
            Parameters = { Text(due.Name), new NpgsqlParameter<long> { TypedValue = enqueued.Id }, Time(next) },
        };
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Time until the next one of these is due; null when none is.</summary>
    public static async Task<TimeSpan?> DueInAsync(NpgsqlConnection connection, IEnumerable<JobSchedule> schedules, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            "SELECT extract(epoch FROM min(next_at) - clock_timestamp())::float8 FROM tenfold.job_schedules WHERE name = ANY ($1) AND paused_at IS NULL AND next_at < 'infinity'", connection)
        {
            Parameters = { Names(schedules) },
        };
        return await command.ExecuteScalarAsync(cancel) is double seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9)) : null;
    }

    private static async Task<DateTimeOffset> NowAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT clock_timestamp()", connection);
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancel))!);
    }

    private static async Task<Due?> DueAsync(NpgsqlConnection connection, IEnumerable<JobSchedule> schedules, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT name, cron, zone, greatest(next_at, clock_timestamp()) FROM tenfold.job_schedules
            WHERE name = ANY ($1) AND paused_at IS NULL AND next_at <= clock_timestamp() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
            """,
            connection)
        {
            Parameters = { Names(schedules) },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? new Due(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<DateTimeOffset>(3)) : null;
    }

    private static NpgsqlParameter<string[]> Names(IEnumerable<JobSchedule> schedules) => new() { TypedValue = [.. schedules.Select(schedule => schedule.Name)] };

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter Time(DateTimeOffset value) => new() { Value = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private sealed record Due(string Name, string Cron, string Zone, DateTimeOffset Now);
}
