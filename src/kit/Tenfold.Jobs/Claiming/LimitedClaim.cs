using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Jobs.Claiming;

/// <summary>What a claim of a limited queue brought.</summary>
/// <param name="Jobs">To run.</param>
/// <param name="Looked">Ready jobs that it met: those that may not run yet are ready no longer.</param>
/// <param name="NextIn">How long the queue's own rate allows no more; zero when it does.</param>
internal sealed record LimitedClaimResult(List<Claimed> Jobs, int Looked, TimeSpan NextIn);

/// <summary>Claims jobs of a queue with limits of rate or by key, in one transaction: rows of keys are locked, in their order.</summary>
internal static class LimitedClaim
{
    private static readonly string Pick = ClaimSql.Pick("id, key, lane, place");

    // Locks them, whether they were there or not.
    private const string LockKeys = """
        INSERT INTO tenfold.job_keys AS is_there (queue, key) SELECT $1, key FROM unnest($2::text[]) AS key ORDER BY key
        ON CONFLICT (queue, key) DO UPDATE SET running = is_there.running
        RETURNING key, running, greatest(0, extract(epoch FROM tat - clock_timestamp()))::float8, greatest(0, extract(epoch FROM slot - clock_timestamp()))::float8
        """;

    private const string SetKeys = """
        UPDATE tenfold.job_keys AS is_there SET running = used.running, tat = clock_timestamp() + used.ahead, slot = clock_timestamp() + used.slot
        FROM unnest($2::text[], $3::integer[], $4::interval[], $5::interval[]) AS used (key, running, ahead, slot) WHERE is_there.queue = $1 AND is_there.key = used.key
        """;

    private static readonly string Take = $"""
        WITH taken AS (DELETE FROM tenfold.jobs WHERE id = ANY ($1) RETURNING *),
        {ClaimSql.Hold("$2", holdsKey: "$3 AND key IS NOT NULL")}
        SELECT {ClaimSql.Taken} FROM taken
        """;

    private const string Wait = """
        UPDATE tenfold.jobs AS job SET place = NULL, run_at = clock_timestamp() + wait.pause FROM unnest($1::bigint[], $2::interval[]) AS wait (id, pause) WHERE job.id = wait.id
        """;

    private const string WholeQueue = "";

    /// <param name="connection">Not in a transaction.</param>
    /// <param name="queue">Its name.</param>
    /// <param name="options">Its limits.</param>
    /// <param name="watermark">Where to begin; told how far it came.</param>
    /// <param name="isSweep">Whether to look below the watermark.</param>
    /// <param name="room">How many at most.</param>
    /// <param name="worker">Who claims.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<LimitedClaimResult> RunAsync(NpgsqlConnection connection, string queue, JobQueueOptions options, Watermark watermark, bool isSweep, int room, long worker, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var whole = options.Rate is null ? default : (await LockAsync(connection, queue, [WholeQueue], cancel))[WholeQueue];
        var (allowed, nextIn) = KeyRules.Allow(options.Rate, whole.Ahead, room);
        var picked = allowed == 0 ? [] : await PickAsync(connection, queue, isSweep ? watermark.Floor.ToArray() : watermark.Front.ToArray(), allowed, cancel);
        if (picked.Count == 0)
        {
            return new LimitedClaimResult([], 0, allowed == 0 ? nextIn : TimeSpan.Zero);
        }

        string[] keys = [.. picked.Where(job => job.Key is not null).Select(job => job.Key!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var use = keys.Length == 0 ? [] : await LockAsync(connection, queue, keys, cancel);
        var decisions = KeyRules.Decide(options, [.. picked.Select(job => job.Key)], use);
        var taken = picked.Where((_, i) => decisions[i].IsTaken).ToList();
        if (options.Rate is not null)
        {
            use[WholeQueue] = KeyRules.Started(options.Rate, whole, taken.Count, counts: false);
        }

        var jobs = await WriteAsync(connection, queue, options, use, picked, decisions, worker, cancel);
        await transaction.CommitAsync(cancel);
        foreach (var job in picked)
        {
            watermark.Claimed(job.Lane, job.Place);
        }

        return new LimitedClaimResult(jobs, picked.Count, taken.Count < allowed ? TimeSpan.Zero : nextIn);
    }

    private static async Task<List<(long Id, string? Key, short Lane, long Place)>> PickAsync(NpgsqlConnection connection, string queue, long[] after, int limit, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Pick, connection);
        ClaimSql.AddPick(command.Parameters, queue, after, limit);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var picked = new List<(long, string?, short, long)>();
        while (await rows.ReadAsync(cancel))
        {
            picked.Add((rows.GetInt64(0), rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetInt16(2), rows.GetInt64(3)));
        }

        return picked;
    }

    private static async Task<Dictionary<string, KeyUse>> LockAsync(NpgsqlConnection connection, string queue, string[] keys, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(LockKeys, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = queue }, new NpgsqlParameter<string[]> { TypedValue = keys } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var use = new Dictionary<string, KeyUse>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancel))
        {
            use[rows.GetString(0)] = new KeyUse(rows.GetInt32(1), TimeSpan.FromSeconds(rows.GetDouble(2)), TimeSpan.FromSeconds(rows.GetDouble(3)));
        }

        return use;
    }

    private static async Task<List<Claimed>> WriteAsync(
        NpgsqlConnection connection, string queue, JobQueueOptions options, Dictionary<string, KeyUse> use, List<(long Id, string? Key, short Lane, long Place)> picked, KeyDecision[] decisions, long worker, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(Take)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<long[]> { TypedValue = [.. picked.Where((_, i) => decisions[i].IsTaken).Select(job => job.Id)] },
                        new NpgsqlParameter<long> { TypedValue = worker },
                        new NpgsqlParameter<bool> { TypedValue = options.KeyConcurrency is not null },
                    },
                },
                new NpgsqlBatchCommand(SetKeys)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<string> { TypedValue = queue },
                        new NpgsqlParameter<string[]> { TypedValue = [.. use.Keys] },
                        new NpgsqlParameter<int[]> { TypedValue = [.. use.Values.Select(one => one.Running)] },
                        new NpgsqlParameter<TimeSpan[]> { TypedValue = [.. use.Values.Select(one => one.Ahead)] },
                        new NpgsqlParameter<TimeSpan[]> { TypedValue = [.. use.Values.Select(one => one.Slot)] },
                    },
                },
                new NpgsqlBatchCommand(Wait)
                {
                    Parameters =
                    {
                        new NpgsqlParameter<long[]> { TypedValue = [.. picked.Where((_, i) => !decisions[i].IsTaken).Select(job => job.Id)] },
                        new NpgsqlParameter { Value = decisions.Where(decision => !decision.IsTaken).Select(decision => decision.After).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval },
                    },
                },
            },
        };
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        var jobs = new List<Claimed>();
        while (await rows.ReadAsync(cancel))
        {
            jobs.Add(Claimed.Read(rows, queue, rows.GetInt64(ClaimSql.PlaceColumn), worker));
        }

        return jobs;
    }
}
