using Npgsql;

namespace Tenfold.Jobs.Administration;

/// <summary>A worker as its row tells.</summary>
/// <param name="Id">Its number in its database.</param>
/// <param name="Database">The database's number.</param>
/// <param name="Name">Its instance and process.</param>
/// <param name="StartedAt">Since when it works.</param>
/// <param name="BeatSeconds">Seconds since it last said that it lives.</param>
/// <param name="IsAlive">Whether that is recent.</param>
/// <param name="Queues">What it works on.</param>
/// <param name="Kinds">What it has handlers for.</param>
/// <param name="Busy">Jobs that its handlers run, as it said itself.</param>
/// <param name="Stuck">Handlers that do not end although their time is over.</param>
/// <param name="Held">Jobs that it holds.</param>
public sealed record WorkerState(
    long Id, int Database, string Name, DateTimeOffset StartedAt, double BeatSeconds, bool IsAlive, IReadOnlyList<string> Queues, IReadOnlyList<string> Kinds, int Busy, int Stuck, long Held);

/// <summary>Reads the workers of a database.</summary>
internal static class WorkerReader
{
    /// <summary>A worker that has not told for so long is not counted as alive. Workers tell about once a second.</summary>
    public const int AliveSeconds = 10;

    private static readonly string Sql = $"""
        SELECT id, name, started_at, greatest(0, extract(epoch FROM now() - beat_at))::float8, beat_at > now() - interval '{AliveSeconds} s', queues, kinds, busy, stuck,
            (SELECT count(*) FROM tenfold.jobs_running WHERE worker = job_workers.id)
        FROM tenfold.job_workers ORDER BY id LIMIT 1000
        """;

    public static async Task<IReadOnlyList<WorkerState>> ReadAsync(NpgsqlConnection connection, int database, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var workers = new List<WorkerState>();
        while (await rows.ReadAsync(cancel))
        {
            workers.Add(new WorkerState(
                rows.GetInt64(0), database, rows.GetString(1), rows.GetFieldValue<DateTimeOffset>(2), rows.GetDouble(3), rows.GetBoolean(4),
                rows.GetFieldValue<string[]>(5), rows.GetFieldValue<string[]>(6), rows.GetInt32(7), rows.GetInt32(8), rows.GetInt64(9)));
        }

        return workers;
    }
}
