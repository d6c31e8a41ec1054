using Npgsql;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>Rows of batches and of the jobs that end them.</summary>
internal static class Batches
{
    // The final job waits for one thing, its batch; it is marked as followed, so that the batch goes when it ends.
    private const string Open = """
        WITH new AS MATERIALIZED (SELECT nextval('tenfold.job_ids') AS n), batch AS (INSERT INTO tenfold.job_batches (id, total) SELECT n, $10 FROM new)
        INSERT INTO tenfold.jobs (id, waits, followed, run_at, queue, lane, kind, payload, deadline, attempts, key)
        SELECT n, 1, true, coalesce($8, clock_timestamp() + $9), $1, $2, $3, $4, $5, $6, $7 FROM new RETURNING id
        """;

    public static async Task<long> OpenAsync(NpgsqlConnection connection, JobRow final, long total, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Open, connection);
        EnqueueSql.AddRow(command.Parameters, final);
        EnqueueSql.AddOptions(command.Parameters, final.Options);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = total });
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    public static async Task<JobBatch?> FindAsync(NpgsqlConnection connection, long id, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT id, total, completed, failed, cancelled FROM tenfold.job_batches WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = id } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? new JobBatch(rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3), rows.GetInt64(4)) : null;
    }
}
