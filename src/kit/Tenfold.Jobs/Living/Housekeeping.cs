using Npgsql;
using NpgsqlTypes;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Living;

/// <summary>Throws away what nobody needs any more, in transactions of at most <see cref="AtOnce"/> rows, one worker of a database at a time.</summary>
internal sealed class Housekeeping(JobOptions options, IReadOnlyCollection<string> queues, TimeProvider time)
{
    /// <summary>Most rows of a transaction.</summary>
    public const int AtOnce = 10_000;

    private const long Lock = 0x54464A4F4248; // TFJOBH

    private const string ExpiredMarks =
        "DELETE FROM tenfold.job_unique WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_unique WHERE expires_at < clock_timestamp() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))";

    private const string IdleKeys =
        "DELETE FROM tenfold.job_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_keys WHERE running = 0 AND greatest(tat, slot) < clock_timestamp() - interval '1 minute' LIMIT $1 FOR UPDATE SKIP LOCKED))";

    private const string OldMessages =
        "DELETE FROM tenfold.job_inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM tenfold.job_inbox WHERE at < clock_timestamp() - $2 ORDER BY at LIMIT $1))";

    // Jobs of queues that limit no key any more: nobody would free them.
    private const string Unlimited = """
        UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = lane & ~1 WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM tenfold.jobs WHERE queue = ANY ($2) AND place IS NULL AND waits = 0 AND run_at IS NULL ORDER BY queue, key, lane, id LIMIT $1 FOR UPDATE SKIP LOCKED))
        """;

    // Jobs that wait for a key of which none runs: a row of job_keys was deleted by hand. Each step finds the next key in the index jobs_parked.
    private const string FreeParked = """
        WITH RECURSIVE keys AS (
            (SELECT queue, key, 1 AS n FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at IS NULL AND (queue, key) > ($2, $3) ORDER BY queue, key LIMIT 1)
            UNION ALL
            SELECT following.queue, following.key, keys.n + 1 FROM keys CROSS JOIN LATERAL (
                SELECT queue, key FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at IS NULL AND (queue, key) > (keys.queue, keys.key) ORDER BY queue, key LIMIT 1) AS following
            WHERE keys.n < $1
        ), free AS MATERIALIZED (
            SELECT waiting.at FROM keys CROSS JOIN LATERAL (
                SELECT ctid AS at FROM tenfold.jobs WHERE queue = keys.queue AND key = keys.key AND place IS NULL AND waits = 0 AND run_at IS NULL ORDER BY lane, id LIMIT 1 FOR UPDATE SKIP LOCKED) AS waiting
            WHERE NOT EXISTS (SELECT FROM tenfold.job_keys AS used WHERE used.queue = keys.queue AND used.key = keys.key AND used.running > 0)
        ), freed AS (
            UPDATE tenfold.jobs SET place = nextval('tenfold.job_ids'), lane = lane & ~1 WHERE ctid = ANY (ARRAY(SELECT at FROM free))
        )
        SELECT queue, key, n FROM keys ORDER BY n DESC LIMIT 1
        """;

    // Batches whose last job is not there any more: it ended without being kept, or its dead letter was trimmed.
    private const string Orphans = """
        WITH looked AS MATERIALIZED (SELECT id FROM tenfold.job_batches WHERE id > $2 ORDER BY id LIMIT $1),
        gone AS (
            DELETE FROM tenfold.job_batches WHERE id = ANY (ARRAY(SELECT id FROM looked WHERE
                NOT EXISTS (SELECT FROM tenfold.jobs WHERE jobs.id = looked.id) AND NOT EXISTS (SELECT FROM tenfold.jobs_running WHERE jobs_running.id = looked.id)
                AND NOT EXISTS (SELECT FROM tenfold.jobs_ended WHERE jobs_ended.id = looked.id)))
        )
        SELECT max(id), count(*) FROM looked
        """;

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    private readonly string[] _unlimited = [.. queues.Where(queue => !options.Queues.TryGetValue(queue, out var own) || own.KeyConcurrency is null)];
    private (string Queue, string Key) _parked = ("", "");
    private long _batch;

    /// <summary>Does what there is to do, for about two seconds; of each kind of work at least one transaction.</summary>
    /// <param name="connection">Not in a transaction.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>True: there is more.</returns>
    public async Task<bool> RunAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        var work = new List<Func<CancellationToken, Task<int>>>
        {
            stop => DeleteAsync(connection, ExpiredMarks, stop),
            stop => DeleteAsync(connection, IdleKeys, stop),
            stop => DeleteAsync(connection, OldMessages, stop, new NpgsqlParameter<TimeSpan> { TypedValue = Inbox.Kept, NpgsqlDbType = NpgsqlDbType.Interval }),
            stop => DeleteAsync(connection, Unlimited, stop, new NpgsqlParameter<string[]> { TypedValue = _unlimited }),
            stop => FreeParkedAsync(connection, stop),
            stop => ForgetOrphansAsync(connection, stop),
        };
        foreach (var trim in await History.PlanAsync(connection, options, [.. queues.Union(options.Queues.Keys, StringComparer.Ordinal)], cancel))
        {
            work.Add(stop => trim.ChunkAsync(connection, AtOnce, stop));
        }

        do
        {
            foreach (var one in work.ToArray())
            {
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                if (!await IsAloneAsync(connection, cancel))
                {
                    return false; // another worker is at it
                }

                var rows = await one(cancel);
                await transaction.CommitAsync(cancel);
                if (rows < AtOnce)
                {
                    work.Remove(one);
                }
            }
        }
        while (work.Count > 0 && time.GetElapsedTime(started) < Budget);
        return work.Count > 0;
    }

    // What is thrown away need not be on disk at once.
    private static async Task<bool> IsAloneAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_xact_lock({Lock}) FROM set_config('synchronous_commit', 'off', true)", connection);
        return await command.ExecuteScalarAsync(cancel) is true;
    }

    private static async Task<int> DeleteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel, params NpgsqlParameter[] others)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = AtOnce } } };
        command.Parameters.AddRange(others);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    // As many keys a round; the next one goes on after them.
    private async Task<int> FreeParkedAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(FreeParked, connection)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = AtOnce }, new NpgsqlParameter<string> { TypedValue = _parked.Queue }, new NpgsqlParameter<string> { TypedValue = _parked.Key } },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        _parked = await rows.ReadAsync(cancel) && rows.GetInt32(2) == AtOnce ? (rows.GetString(0), rows.GetString(1)) : ("", "");
        return 0;
    }

    private async Task<int> ForgetOrphansAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Orphans, connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = AtOnce }, new NpgsqlParameter<long> { TypedValue = _batch } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        _batch = await rows.ReadAsync(cancel) && rows.GetInt64(1) == AtOnce ? rows.GetInt64(0) : 0;
        return 0;
    }
}
