using Npgsql;
using NpgsqlTypes;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Living;

/// <summary>Throws away what nobody needs any more, one worker at a time, a little each second.</summary>
internal static class Housekeeping
{
    private const int Most = 10_000; // rows of a statement
    private const long Lock = 0x54464A4F4248; // TFJOBH

    // Of each queue: all but the newest ones, and what is too old.
    private const string Trim = """
        DELETE FROM tenfold.jobs_ended WHERE n = ANY (ARRAY(
            SELECT n FROM (
                SELECT n, queue, outcome, ended_at, row_number() OVER (PARTITION BY queue, outcome = 2 ORDER BY n DESC) AS newest FROM tenfold.jobs_ended
            ) AS ended
            LEFT JOIN unnest($1::text[], $2::integer[], $3::integer[], $4::interval[]) AS keep (queue, completed, failed, age) USING (queue)
            WHERE newest > CASE WHEN outcome = 2 THEN coalesce(failed, $5) ELSE coalesce(completed, $6) END OR ended_at < clock_timestamp() - age
            LIMIT $7))
        """;

    // Jobs that wait for a key of which none runs: the limit of their queue was taken away, or a row of job_keys was deleted by hand.
    private const string FreeParked = """
        UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = lane & ~1 WHERE id = ANY (ARRAY(
            SELECT waiting.id FROM (SELECT DISTINCT ON (queue, key) id, queue, key FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at IS NULL ORDER BY queue, key, lane, id) AS waiting
            WHERE NOT EXISTS (SELECT FROM tenfold.job_keys AS used WHERE used.queue = waiting.queue AND used.key = waiting.key AND used.running > 0)))
            AND place IS NULL AND waits = 0 AND run_at IS NULL
        """;

    public static async Task RunAsync(NpgsqlConnection connection, JobOptions options, CancellationToken cancel)
    {
        var standard = new JobKeep();
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using (var locking = new NpgsqlCommand($"SELECT pg_try_advisory_xact_lock({Lock})", connection))
        {
            if (await locking.ExecuteScalarAsync(cancel) is not true)
            {
                return;
            }
        }

        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(Trim)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string[]> { TypedValue = [.. options.Queues.Keys] },
                        new NpgsqlParameter<int[]> { TypedValue = [.. options.Queues.Values.Select(queue => queue.Keep.Completed)] },
                        new NpgsqlParameter<int[]> { TypedValue = [.. options.Queues.Values.Select(queue => queue.Keep.Failed)] },
                        new NpgsqlParameter { Value = options.Queues.Values.Select(queue => queue.Keep.For).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval },
                        new NpgsqlParameter<int> { TypedValue = standard.Failed },
                        new NpgsqlParameter<int> { TypedValue = standard.Completed },
                        new NpgsqlParameter<int> { TypedValue = Most },
                    },
                },
                new NpgsqlBatchCommand("DELETE FROM tenfold.job_unique WHERE expires_at < clock_timestamp()"),
                new NpgsqlBatchCommand("DELETE FROM tenfold.job_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_keys WHERE running = 0 AND greatest(tat, slot) < clock_timestamp() - interval '1 minute' LIMIT $1 FOR UPDATE SKIP LOCKED))")
                {
                    Parameters = { new NpgsqlParameter<int> { TypedValue = Most } },
                },
                new NpgsqlBatchCommand(FreeParked),
                new NpgsqlBatchCommand("DELETE FROM tenfold.job_inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_inbox WHERE at < clock_timestamp() - $1 ORDER BY at LIMIT $2))")
                {
                    Parameters = { new NpgsqlParameter<TimeSpan> { TypedValue = Inbox.Kept }, new NpgsqlParameter<int> { TypedValue = Most } },
                },
            },
        };
        await batch.ExecuteNonQueryAsync(cancel);
        await transaction.CommitAsync(cancel);
    }
}
