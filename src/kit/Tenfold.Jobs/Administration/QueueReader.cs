using Npgsql;

namespace Tenfold.Jobs.Administration;

/// <summary>
/// The queues of one database in figures. Every statement reads a bounded number of rows: a state of a queue is counted up to
/// <see cref="QueueOverview.Counted"/>; above that, all states are estimated from a sample of the table's pages.
/// </summary>
internal static class QueueReader
{
    private const int Counted = QueueOverview.Counted;
    private const int CountedDead = 100_000;
    private const int SampledPages = 2_000; // 16 MiB
    private const int Queues = 1_000;
    private const int History = 50_000;
    private const int Lanes = 2 * (EnqueueOptions.LastPriority + 1);

    // One after the other by the index, however many rows each queue has.
    private static string Names(string table, string condition) => $"""
        WITH RECURSIVE names (queue) AS (
            (SELECT queue FROM tenfold.{table} WHERE {condition} ORDER BY queue LIMIT 1)
            UNION ALL
            SELECT (SELECT queue FROM tenfold.{table} WHERE {condition} AND queue > names.queue ORDER BY queue LIMIT 1) FROM names WHERE names.queue IS NOT NULL
        ), queues AS (SELECT queue FROM names WHERE queue IS NOT NULL LIMIT {Queues})
        """;

    private static readonly string Ready = $"""
        {Names("jobs", "place IS NOT NULL")}
        SELECT queue, counted.n, extract(epoch FROM now() - oldest.since)::float8, kinds.kinds FROM queues
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM tenfold.jobs WHERE queue = queues.queue AND place IS NOT NULL LIMIT {Counted} + 1) AS few) AS counted
        CROSS JOIN LATERAL (
            SELECT min(head.since) AS since FROM generate_series(0, {Lanes} - 1) AS number
            CROSS JOIN LATERAL (SELECT coalesce(run_at, enqueued_at) AS since FROM tenfold.jobs WHERE queue = queues.queue AND lane = number::smallint AND place IS NOT NULL ORDER BY place LIMIT 1) AS head
        ) AS oldest
        CROSS JOIN LATERAL (SELECT array_agg(DISTINCT kind) AS kinds FROM (SELECT kind FROM tenfold.jobs WHERE queue = queues.queue AND place IS NOT NULL ORDER BY lane, place LIMIT 1000) AS first) AS kinds
        """;

    private static readonly string Parked = $"""
        {Names("jobs", "place IS NULL AND waits = 0 AND run_at IS NULL")}
        SELECT queue, counted.n FROM queues
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM tenfold.jobs WHERE queue = queues.queue AND place IS NULL AND waits = 0 AND run_at IS NULL LIMIT {Counted} + 1) AS few) AS counted
        """;

    private static readonly string Scheduled = $"""
        SELECT queue, count(*), sum(count(*)) OVER ()::bigint FROM (SELECT queue FROM tenfold.jobs WHERE place IS NULL AND waits = 0 AND run_at IS NOT NULL ORDER BY run_at LIMIT {Counted} + 1) AS few GROUP BY queue
        """;

    // Nothing but these two tables says what waits for others.
    private static readonly string Blocked = $"""
        WITH edges AS MATERIALIZED (SELECT child FROM tenfold.job_edges LIMIT {Counted} + 1), batches AS MATERIALIZED (SELECT id FROM tenfold.job_batches LIMIT {Counted} + 1)
        SELECT queue, count(*), (SELECT greatest((SELECT count(*) FROM edges), (SELECT count(*) FROM batches))) FROM tenfold.jobs
        WHERE id = ANY (ARRAY(SELECT child FROM edges UNION SELECT id FROM batches)) AND waits > 0 GROUP BY queue
        """;

    private const string Running = "SELECT queue, count(*) FROM tenfold.jobs_running GROUP BY queue";

    private static readonly string Ended = $"""
        SELECT queue, count(*) FILTER (WHERE outcome = 1 AND age < 60), count(*) FILTER (WHERE outcome = 1), count(*) FILTER (WHERE outcome = 2 AND age < 60), count(*) FILTER (WHERE outcome = 2)
        FROM (SELECT queue, outcome, extract(epoch FROM now() - ended_at) AS age FROM tenfold.jobs_ended ORDER BY n DESC LIMIT {History}) AS newest
        WHERE age < 3600 GROUP BY queue
        """;

    private static readonly string Dead = $"""
        {Names("jobs_ended", "outcome = 2")}
        SELECT queue, counted.n FROM queues
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM tenfold.jobs_ended WHERE queue = queues.queue AND outcome = 2 LIMIT {CountedDead}) AS few) AS counted
        """;

    private const string Paused = "SELECT name, paused_at FROM tenfold.job_queues";

    private static readonly string Workers = $"""
        SELECT queue, count(DISTINCT id), array_remove(array_agg(DISTINCT kind), NULL) FROM tenfold.job_workers CROSS JOIN LATERAL unnest(queues) AS queue LEFT JOIN LATERAL unnest(kinds) AS kind ON true
        WHERE beat_at > now() - interval '{WorkerReader.AliveSeconds} s' GROUP BY queue
        """;

    private static readonly string Percent = $"SELECT least(100, greatest(0.001, 100.0 * {SampledPages} * current_setting('block_size')::integer / greatest(1, pg_relation_size('tenfold.jobs'))))::float8";

    private const string Sample = """
        SELECT queue, state, (count(*) * 100 / $1)::bigint FROM (
            SELECT queue, CASE WHEN place IS NOT NULL THEN 0 WHEN waits > 0 THEN 1 WHEN run_at IS NOT NULL THEN 2 ELSE 3 END AS state
            FROM tenfold.jobs TABLESAMPLE SYSTEM ($1)
        ) AS sampled
        GROUP BY queue, state
        """;

    public static async Task<IReadOnlyList<QueueOverview>> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var queues = new SortedDictionary<string, QueueOverview>(StringComparer.Ordinal);
        var kinds = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var over = new bool[4]; // by state, as the sample numbers them
        await using (var batch = new NpgsqlBatch(connection))
        {
            foreach (var sql in new[] { Ready, Parked, Scheduled, Blocked, Running, Ended, Dead, Paused, Workers })
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
            }

            await using var rows = await batch.ExecuteReaderAsync(cancel);
            await EachAsync(queue =>
            {
                over[0] |= rows.GetInt64(1) > Counted;
                kinds[queue.Name] = rows.GetFieldValue<string[]>(3);
                return queue with { Ready = rows.GetInt64(1), OldestReadySeconds = Math.Max(0, rows.GetDouble(2)), UnhandledKinds = kinds[queue.Name] };
            });
            await EachAsync(queue =>
            {
                over[3] |= rows.GetInt64(1) > Counted;
                return queue with { Parked = rows.GetInt64(1) };
            });
            await EachAsync(queue =>
            {
                over[2] |= rows.GetInt64(2) > Counted;
                return queue with { Scheduled = rows.GetInt64(1) };
            });
            await EachAsync(queue =>
            {
                over[1] |= rows.GetInt64(2) > Counted;
                return queue with { Blocked = rows.GetInt64(1) };
            });
            await EachAsync(queue => queue with { Running = rows.GetInt64(1) });
            await EachAsync(queue => queue with { CompletedLastMinute = rows.GetInt64(1), CompletedLastHour = rows.GetInt64(2), FailedLastMinute = rows.GetInt64(3), FailedLastHour = rows.GetInt64(4) });
            await EachAsync(queue => queue with { DeadLetters = rows.GetInt64(1), IsEstimate = rows.GetInt64(1) == CountedDead });
            await EachAsync(queue => queue with { PausedAt = rows.IsDBNull(1) ? null : rows.GetFieldValue<DateTimeOffset>(1) });
            await EachAsync(queue => queue with
            {
                Workers = (int)rows.GetInt64(1), UnhandledKinds = [.. queue.UnhandledKinds.Except(rows.GetFieldValue<string[]>(2), StringComparer.Ordinal)],
            });

            async Task EachAsync(Func<QueueOverview, QueueOverview> read)
            {
                while (await rows.ReadAsync(cancel))
                {
                    var name = rows.GetString(0);
                    queues[name] = read(queues.GetValueOrDefault(name) ?? new QueueOverview { Name = name });
                }

                await rows.NextResultAsync(cancel);
            }
        }

        if (Array.Exists(over, one => one))
        {
            await EstimateAsync(connection, queues, over, cancel);
        }

        return [.. queues.Values];
    }

    private static async Task EstimateAsync(NpgsqlConnection connection, SortedDictionary<string, QueueOverview> queues, bool[] over, CancellationToken cancel)
    {
        await using var share = new NpgsqlCommand(Percent, connection);
        var percent = (double)(await share.ExecuteScalarAsync(cancel))!;
        await using var command = new NpgsqlCommand(Sample, connection) { Parameters = { new NpgsqlParameter<double> { TypedValue = percent } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var (name, state, n) = (rows.GetString(0), rows.GetInt32(1), rows.GetInt64(2));
            if (over[state])
            {
                var queue = queues.GetValueOrDefault(name) ?? new QueueOverview { Name = name };
                queues[name] = state switch
                {
                    0 when queue.Ready > Counted => queue with { Ready = Math.Max(queue.Ready, n), IsEstimate = true },
                    1 => queue with { Blocked = Math.Max(queue.Blocked, n), IsEstimate = true },
                    2 => queue with { Scheduled = Math.Max(queue.Scheduled, n), IsEstimate = true },
                    3 when queue.Parked > Counted => queue with { Parked = Math.Max(queue.Parked, n), IsEstimate = true },
                    _ => queue,
                };
            }
        }
    }
}
