using Npgsql;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Living;

/// <summary>Throws away what nobody needs any more, every few seconds, one worker of a database at a time.</summary>
internal sealed class Housekeeping(JobOptions options, TimeProvider time)
{
    private const int Most = 10_000; // rows of a statement
    private const long Lock = 0x54464A4F4248; // TFJOBH

    // Jobs that wait for a key of which none runs: the limit of their queue was taken away, or a row of job_keys was deleted by hand.
    private const string FreeParked = """
        UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = lane & ~1 WHERE id = ANY (ARRAY(
            SELECT waiting.id FROM (SELECT DISTINCT ON (queue, key) id, queue, key FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at IS NULL ORDER BY queue, key, lane, id) AS waiting
            WHERE NOT EXISTS (SELECT FROM tenfold.job_keys AS used WHERE used.queue = waiting.queue AND used.key = waiting.key AND used.running > 0)))
            AND place IS NULL AND waits = 0 AND run_at IS NULL
        """;

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private long _last = time.GetTimestamp();

    public async Task RunIfDueAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (time.GetElapsedTime(_last) < Every)
        {
            return;
        }

        _last = time.GetTimestamp();
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using (var locking = new NpgsqlCommand($"SELECT pg_try_advisory_xact_lock({Lock})", connection))
        {
            if (await locking.ExecuteScalarAsync(cancel) is not true)
            {
                return;
            }
        }

        await History.TrimAsync(connection, options, cancel);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("DELETE FROM tenfold.job_unique WHERE expires_at < clock_timestamp()"),
                Limited("DELETE FROM tenfold.job_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_keys WHERE running = 0 AND greatest(tat, slot) < clock_timestamp() - interval '1 minute' LIMIT $1 FOR UPDATE SKIP LOCKED))"),
                new NpgsqlBatchCommand(FreeParked),
                Limited("DELETE FROM tenfold.job_inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_inbox WHERE at < clock_timestamp() - $2 ORDER BY at LIMIT $1))", new NpgsqlParameter<TimeSpan> { TypedValue = Inbox.Kept }),
            },
        };
        await batch.ExecuteNonQueryAsync(cancel);
        await transaction.CommitAsync(cancel);
    }

    private static NpgsqlBatchCommand Limited(string sql, params NpgsqlParameter[] others)
    {
        var command = new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<int> { TypedValue = Most } } };
        foreach (var other in others)
        {
            command.Parameters.Add(other);
        }

        return command;
    }
}
