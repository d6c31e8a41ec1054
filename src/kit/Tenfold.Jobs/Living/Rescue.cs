using Npgsql;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Living;

/// <summary>
/// Gives the jobs of workers that are presumed dead to others. A job that was running when its worker died may be why it died: after as
/// many such deaths as its queue says it is a dead letter. To tell it from those that were merely beside it, a job with a death is noted when it begins, one with two runs
/// alone among these (<see cref="Running.Quarantine"/>), and the last death counts only if no other one that was noted ran beside it.
/// </summary>
internal static class Rescue
{
    private const string Silent = "beat_at < clock_timestamp() - $2";

    private static readonly string Lost = $$"""
        WITH dead AS (DELETE FROM tenfold.job_workers WHERE id <> $1 AND {{Silent}} RETURNING id, name, extract(epoch FROM clock_timestamp() - beat_at) AS silent),
        done AS (
            DELETE FROM tenfold.jobs_running AS job WHERE job.id = ANY (ARRAY(SELECT id FROM tenfold.jobs_running AS held
                WHERE held.worker IN (SELECT id FROM dead) OR NOT EXISTS (SELECT FROM tenfold.job_workers WHERE job_workers.id = held.worker) ORDER BY id FOR UPDATE SKIP LOCKED))
            RETURNING job.*, coalesce((SELECT deaths FROM unnest($3, $4) AS own (queue, deaths) WHERE own.queue = job.queue), {{new JobQueueOptions().Deaths}}) AS most
        ), told AS (
            SELECT done.*, coalesce(dead.name, 'unknown') AS dead_name, deaths + CASE WHEN deaths = 0 OR (started AND (deaths + 1 < most OR count(*) FILTER (WHERE started) OVER (PARTITION BY worker) = 1)) THEN 1 ELSE 0 END AS died, lane & ~1 AS first,
                jsonb_build_object('run', run, 'worker', coalesce(dead.name, ''), 'error', format('its worker died or was cut off%s', ' (no sign of life for ' || round(dead.silent::numeric, 1) || ' s)')) AS error
            FROM done LEFT JOIN dead ON dead.id = done.worker
        ), again AS (
            INSERT INTO tenfold.jobs ({{JobSchema.Columns}}, place, followed)
            SELECT {{JobSchema.ColumnsWith(("lane", "first"), ("deaths", "died"), ("errors", JobError.Append("errors", "error")))}}, nextval('tenfold.job_ids'), followed FROM told WHERE died < most AND NOT cancelled
        ), letters AS (
            INSERT INTO tenfold.jobs_ended ({{JobSchema.Columns}}, outcome, started_at, worker, progress)
            SELECT {{JobSchema.ColumnsWith(("deaths", "died"), ("errors", JobError.Append("errors", "error")))}}, CASE WHEN cancelled THEN 3 ELSE 2 END, claimed_at, dead_name, progress FROM told WHERE died >= most OR cancelled
        )
        SELECT id, kind, queue, key, unique_key, batch, followed, holds_key, CASE WHEN cancelled THEN 3::smallint WHEN died >= most THEN 2::smallint END, dead_name FROM told
        """;

    /// <summary>Looks for workers that have been silent for so long.</summary>
    /// <param name="connection">Not in a transaction.</param>
    /// <param name="self">The worker that looks.</param>
    /// <param name="silence">How long.</param>
    /// <param name="queues">Their limits of deaths; other queues have the default.</param>
    /// <param name="mayJudge">Asked before it is committed: whether the worker that looks has been heard all the while.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>How many jobs of each were taken.</returns>
    public static async Task<IReadOnlyDictionary<string, int>> RunAsync(NpgsqlConnection connection, long self, TimeSpan silence, IDictionary<string, JobQueueOptions> queues, Func<bool> mayJudge, CancellationToken cancel)
    {
        var taken = new Dictionary<string, int>(StringComparer.Ordinal);
        if (!await IsNeededAsync(connection, self, silence, cancel))
        {
            return taken;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var gone = new List<Gone>();
        await using (var command = new NpgsqlCommand(Lost, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = self });
            command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = silence });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. queues.Keys] });
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. queues.Values.Select(queue => queue.Deaths)] });
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                gone.Add(Gone.Read(rows));
                var worker = rows.GetString(9);
                taken[worker] = taken.GetValueOrDefault(worker) + 1;
            }
        }

        var ready = (await AfterEnd.ApplyAsync(connection, gone, cancel)).Concat(gone.Select(job => job.Queue)).Distinct(StringComparer.Ordinal).ToArray();
        await Notices.SendAsync(connection, ready, cancel);
        if (!mayJudge())
        {
            return new Dictionary<string, int>(); // rolled back
        }

        await transaction.CommitAsync(cancel);
        return taken;
    }

    private static async Task<bool> IsNeededAsync(NpgsqlConnection connection, long self, TimeSpan silence, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT EXISTS (SELECT FROM tenfold.job_workers WHERE id <> $1 AND {Silent})
                OR EXISTS (SELECT FROM tenfold.jobs_running AS held WHERE NOT EXISTS (SELECT FROM tenfold.job_workers WHERE job_workers.id = held.worker))
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = self }, new NpgsqlParameter<TimeSpan> { TypedValue = silence } },
        };
        return await command.ExecuteScalarAsync(cancel) is true;
    }
}
