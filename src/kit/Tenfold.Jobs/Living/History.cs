using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Living;

/// <summary>Keeps of the jobs that have ended as many as their queues say: the newest.</summary>
internal static class History
{
    private const int AtOnce = 50_000; // rows of a statement

    private const string Count = "SELECT queue, outcome = 2, count(*), min(ended_at) < clock_timestamp() - interval '1 hour' FROM tenfold.jobs_ended GROUP BY 1, 2";

    private const string TooMany = """
        DELETE FROM tenfold.jobs_ended WHERE n = ANY (ARRAY(SELECT n FROM tenfold.jobs_ended WHERE queue = $1 AND (outcome = 2) = $2 AND n <=
            (SELECT n FROM tenfold.jobs_ended WHERE queue = $1 AND (outcome = 2) = $2 ORDER BY n DESC OFFSET $3 LIMIT 1) ORDER BY n LIMIT $4))
        """;

    private const string TooOld = "DELETE FROM tenfold.jobs_ended WHERE n = ANY (ARRAY(SELECT n FROM tenfold.jobs_ended WHERE queue = $1 AND (outcome = 2) = $2 AND ended_at < clock_timestamp() - $3 LIMIT $4))";

    /// <summary>Deletes what is too much or too old.</summary>
    /// <param name="connection">May be in a transaction.</param>
    /// <param name="options">What queues keep; one that they do not name keeps the defaults.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task TrimAsync(NpgsqlConnection connection, JobOptions options, CancellationToken cancel)
    {
        var counts = new List<(string Queue, bool IsFailed, long Count, bool HasOld)>();
        await using (var command = new NpgsqlCommand(Count, connection))
        {
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                counts.Add((rows.GetString(0), rows.GetBoolean(1), rows.GetInt64(2), rows.GetBoolean(3)));
            }
        }

        foreach (var (queue, isFailed, count, hasOld) in counts)
        {
            var keep = options.Queues.TryGetValue(queue, out var own) ? own.Keep : new JobKeep();
            var most = isFailed ? keep.Failed : keep.Completed;
            for (var left = count; left > most; left -= AtOnce)
            {
                await DeleteAsync(connection, TooMany, queue, isFailed, new NpgsqlParameter<int> { TypedValue = most }, cancel);
            }

            if (keep.For is { } age && (hasOld || age < TimeSpan.FromHours(1)))
            {
                await DeleteAsync(connection, TooOld, queue, isFailed, new NpgsqlParameter<TimeSpan> { TypedValue = age, NpgsqlDbType = NpgsqlDbType.Interval }, cancel);
            }
        }
    }

    private static async Task DeleteAsync(NpgsqlConnection connection, string sql, string queue, bool isFailed, NpgsqlParameter limit, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = queue }, new NpgsqlParameter<bool> { TypedValue = isFailed }, limit, new NpgsqlParameter<int> { TypedValue = AtOnce } },
        };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
