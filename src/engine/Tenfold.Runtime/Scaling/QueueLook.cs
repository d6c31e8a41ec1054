using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Scaling;

/// <summary>How full a queue is at one moment.</summary>
/// <param name="Ready">Jobs that are ready and wait; counted up to <see cref="QueueLook.Counted"/> a database. None while the queue is paused: nobody may start them.</param>
/// <param name="Age">Seconds since the oldest of them became ready.</param>
/// <param name="Running">Jobs that run.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QueueLevel(long Ready, double Age, long Running);

/// <summary>
/// Asks the databases that jobs are kept in, by the tables that docs/jobs.md describes: also when there is no instance to ask, as in a service
/// that was scaled to none.
/// </summary>
internal static class QueueLook
{
    /// <summary>Ready jobs are counted up to this number: enough for any number of instances, and some milliseconds of work.</summary>
    public const int Counted = 50_000;

    private const string UndefinedTable = "42P01";
    private const string InvalidSchema = "3F000";

    // The oldest of each lane (two for each of ten priorities) is at the beginning of the index.
    private static readonly string Sql = $"""
        SELECT queue,
            (SELECT count(*) FROM (SELECT FROM tenfold.jobs WHERE jobs.queue = asked.queue AND place IS NOT NULL AND NOT paused LIMIT {Counted}) AS few),
            (SELECT coalesce(extract(epoch FROM now() - min(head.since)), 0)::float8 FROM generate_series(0, 19) AS lanes (lane)
                CROSS JOIN LATERAL (SELECT coalesce(run_at, enqueued_at) AS since FROM tenfold.jobs
                    WHERE jobs.queue = asked.queue AND jobs.lane = lanes.lane::smallint AND place IS NOT NULL AND NOT paused ORDER BY place LIMIT 1) AS head),
            (SELECT count(*) FROM tenfold.jobs_running WHERE jobs_running.queue = asked.queue)
        FROM unnest($1) AS asked (queue)
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM tenfold.job_queues WHERE name = asked.queue AND paused_at IS NOT NULL) AS paused) AS state
        """;

    /// <summary>Adds up a queue's levels over all databases; throws when one of them cannot be asked: a part would pass for the whole.</summary>
    public static async Task<IReadOnlyDictionary<string, QueueLevel>> AskAsync(IReadOnlyList<DatabaseAccess> databases, IReadOnlyList<string> queues, CancellationToken cancel)
    {
        var levels = queues.ToDictionary(queue => queue, _ => default(QueueLevel), StringComparer.Ordinal);
        foreach (var part in await Task.WhenAll(databases.Select(database => AskAsync(database, queues, cancel))))
        {
            foreach (var (queue, level) in part)
            {
                var sum = levels[queue];
                levels[queue] = new QueueLevel(sum.Ready + level.Ready, Math.Max(sum.Age, level.Age), sum.Running + level.Running);
            }
        }

        return levels;
    }

    private static async Task<List<KeyValuePair<string, QueueLevel>>> AskAsync(DatabaseAccess database, IReadOnlyList<string> queues, CancellationToken cancel)
    {
        var levels = new List<KeyValuePair<string, QueueLevel>>();
        var one = new NpgsqlConnectionStringBuilder(database.AdminConnectionString) { MaxPoolSize = 1, Timeout = 2, CommandTimeout = 2, ApplicationName = "tenfold-autoscaler" };
        try
        {
            await using var connection = new NpgsqlConnection(one.ConnectionString);
            await connection.OpenAsync(cancel);
            await using var command = new NpgsqlCommand(Sql, connection)
            {
                Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. queues], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text } },
            };
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                levels.Add(new(rows.GetString(0), new QueueLevel(rows.GetInt64(1), Math.Max(0, rows.GetDouble(2)), rows.GetInt64(3))));
            }
        }
        catch (PostgresException e) when (e.SqlState is UndefinedTable or InvalidSchema)
        {
            // Nobody has enqueued anything yet.
        }

        return levels;
    }
}
