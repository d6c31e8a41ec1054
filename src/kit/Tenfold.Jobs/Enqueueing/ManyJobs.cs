using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>Many jobs at once, by COPY.</summary>
internal static class ManyJobs
{
    private const int AtOnce = 10_000;

    /// <summary>Inserts jobs that are alike in all but their payload, in the connection's transaction.</summary>
    /// <returns>Their ids, in order.</returns>
    public static async Task<IReadOnlyList<long>> InsertAsync(NpgsqlConnection connection, IEnumerable<JobRow> jobs, long? batch, CancellationToken cancel)
    {
        var ids = new List<long>();
        foreach (var chunk in jobs.Chunk(AtOnce))
        {
            // Numbers and rows in one transaction that has an id, or workers could go past these places before the rows are there.
            await using var own = await BeginAsync(connection, cancel);

            // When, by the database's clock; and as many numbers as there are jobs.
            var options = chunk[0].Options;
            DateTime? at = null;
            await using (var command = new NpgsqlCommand("SELECT nextval('tenfold.job_ids'), coalesce($2, clock_timestamp() + $3) FROM pg_current_xact_id(), generate_series(1, $1)", connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<int> { TypedValue = chunk.Length },
                    new() { Value = options.At?.UtcDateTime ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    new() { Value = options.Delay ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval },
                },
            })
            {
                await using var rows = await command.ExecuteReaderAsync(cancel);
                while (await rows.ReadAsync(cancel))
                {
                    ids.Add(rows.GetInt64(0));
                    at = rows.IsDBNull(1) ? null : rows.GetDateTime(1);
                }
            }

            await CopyAsync(connection, chunk, ids, at, batch, cancel);
            await (own?.CommitAsync(cancel) ?? Task.CompletedTask);
        }

        return ids;
    }

    // Null: the caller has one.
    private static async Task<NpgsqlTransaction?> BeginAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        try
        {
            return await connection.BeginTransactionAsync(cancel);
        }
        catch (InvalidOperationException) when (connection.FullState == System.Data.ConnectionState.Open)
        {
            return null;
        }
    }

    private static async Task CopyAsync(NpgsqlConnection connection, JobRow[] jobs, List<long> ids, DateTime? at, long? batch, CancellationToken cancel)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "COPY tenfold.jobs (id, place, run_at, queue, lane, kind, payload, deadline, attempts, key, batch) FROM STDIN (FORMAT BINARY)", cancel);
        var first = ids.Count - jobs.Length;
        for (var i = 0; i < jobs.Length; i++)
        {
            var job = jobs[i];
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(ids[first + i], NpgsqlDbType.Bigint, cancel);
            await WriteAsync(at is null ? ids[first + i] : (long?)null, NpgsqlDbType.Bigint);
            await WriteAsync(at, NpgsqlDbType.TimestampTz);
            await copy.WriteAsync(job.Queue, NpgsqlDbType.Text, cancel);
            await copy.WriteAsync(job.Lane, NpgsqlDbType.Smallint, cancel);
            await copy.WriteAsync(job.Kind, NpgsqlDbType.Text, cancel);
            await copy.WriteAsync(job.Payload, JobRow.PayloadType, cancel);
            await WriteAsync(job.Options.Deadline?.UtcDateTime, NpgsqlDbType.TimestampTz);
            await WriteAsync((short?)job.Options.Attempts, NpgsqlDbType.Smallint);
            await (job.Options.Key is { } key ? copy.WriteAsync(key, NpgsqlDbType.Text, cancel) : copy.WriteNullAsync(cancel));
            await WriteAsync(batch, NpgsqlDbType.Bigint);
        }

        await copy.CompleteAsync(cancel);

        Task WriteAsync<T>(T? value, NpgsqlDbType type)
            where T : struct => value is { } some ? copy.WriteAsync(some, type, cancel) : copy.WriteNullAsync(cancel);
    }
}
