using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Living;

/// <summary>Keeps of the jobs that have ended as many as their queues say: the newest.</summary>
internal static class History
{
    private const string Count = """
        SELECT queue, outcome = 2, count(*), extract(epoch FROM clock_timestamp() - min(ended_at))::float8 FROM tenfold.jobs_ended WHERE queue = ANY ($1) GROUP BY 1, 2
        """;

    /// <summary>What there is too much of.</summary>
    /// <param name="connection">May be in a transaction.</param>
    /// <param name="options">What queues keep; one that they do not name keeps the defaults.</param>
    /// <param name="queues">Those to look at: what others keep is for those to say who know.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<IReadOnlyList<Trim>> PlanAsync(NpgsqlConnection connection, JobOptions options, string[] queues, CancellationToken cancel)
    {
        var trims = new List<Trim>();
        await using (var command = new NpgsqlCommand(Count, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = queues } } })
        {
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                var (queue, isFailed, count, oldest) = (rows.GetString(0), rows.GetBoolean(1), rows.GetInt64(2), rows.GetDouble(3));
                var keep = options.Queues.TryGetValue(queue, out var own) ? own.Keep : new JobKeep();
                var most = isFailed ? keep.Failed : keep.Completed;
                if (count > most || keep.For?.TotalSeconds < oldest)
                {
                    trims.Add(new Trim(queue, isFailed, count > most ? most : null, keep.For));
                }
            }
        }

        foreach (var trim in trims)
        {
            await trim.FindNewestAsync(connection, cancel);
        }

        return trims;
    }
}

/// <summary>Jobs of a queue that have ended, too many or too old. Goes on where its last chunk has ended.</summary>
/// <param name="queue">Its name.</param>
/// <param name="isFailed">Dead letters, or the others.</param>
/// <param name="most">As many of the newest stay; null: all.</param>
/// <param name="age">What is older goes; null: nothing.</param>
internal sealed class Trim(string queue, bool isFailed, int? most, TimeSpan? age)
{
    private readonly string _which = $"queue = $1 AND outcome {(isFailed ? "=" : "<>")} 2";
    private long _newest; // of those that are too many: a place and no count, as another worker may trim at the same time
    private long _after;

    public async Task FindNewestAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (most is not { } stay)
        {
            return;
        }

        await using var command = new NpgsqlCommand($"SELECT n FROM tenfold.jobs_ended WHERE {_which} ORDER BY n DESC OFFSET $2 LIMIT 1", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = queue }, new NpgsqlParameter<int> { TypedValue = stay } },
        };
        _newest = await command.ExecuteScalarAsync(cancel) as long? ?? 0;
    }

    /// <summary>Deletes the oldest of them; those that somebody is about to retry are left.</summary>
    /// <param name="connection">May be in a transaction.</param>
    /// <param name="atOnce">So many at most.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>How many it was; less than asked for: there are no more.</returns>
    public async Task<int> ChunkAsync(NpgsqlConnection connection, int atOnce, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            $"""
            WITH gone AS (
                DELETE FROM tenfold.jobs_ended WHERE n = ANY (ARRAY(
                    SELECT n FROM tenfold.jobs_ended WHERE {_which} AND n > $2 AND (n <= $3 OR ended_at < clock_timestamp() - $4) ORDER BY n LIMIT $5 FOR UPDATE SKIP LOCKED))
                RETURNING n
            )
            SELECT count(*), max(n) FROM gone
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = queue },
                new NpgsqlParameter<long> { TypedValue = _after },
                new NpgsqlParameter<long> { TypedValue = _newest },
                new NpgsqlParameter { Value = age ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval },
                new NpgsqlParameter<int> { TypedValue = atOnce },
            },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        var count = (int)rows.GetInt64(0);
        _after = count == 0 ? _after : rows.GetInt64(1);
        return count;
    }
}
