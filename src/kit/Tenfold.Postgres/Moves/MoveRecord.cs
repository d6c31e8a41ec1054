using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>An entry of the journal: a move that is not at its end.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Source">Database that the buckets leave.</param>
/// <param name="Target">Database that they go to.</param>
/// <param name="Buckets">The buckets.</param>
/// <param name="Step">The last step that is done.</param>
/// <param name="Progress">How far comparing has come.</param>
/// <param name="FlippedFor">Time since the switch; null before it.</param>
public sealed record MoveRecord(long Id, int Source, int Target, IReadOnlyList<int> Buckets, MoveStep Step, string Progress, TimeSpan? FlippedFor)
{
    /// <summary>Name of its slot and its publication at the source.</summary>
    public string ObjectName => $"{MoveJournal.ObjectPrefix}{Id}";

    /// <summary>The buckets in words.</summary>
    public string Say() => Buckets.Count <= 6
        ? $"{(Buckets.Count == 1 ? "bucket" : "buckets")} {string.Join(", ", Buckets)}"
        : $"{Buckets.Count} buckets ({string.Join(", ", Buckets.Take(3))} … {Buckets[^1]})";
}

/// <summary>The journal of moves, in the home database.</summary>
internal static class MoveJournal
{
    public const string ObjectPrefix = "tenfold_move_";

    /// <summary>Key of the advisory lock of whoever moves or cleans: one at a time.</summary>
    public const long MoverLock = 0x54464D4F5645;

    public static async Task<MoveRecord> AddAsync(NpgsqlConnection home, int source, int target, IReadOnlyList<int> buckets, CancellationToken cancel)
    {
        await using var transaction = await home.BeginTransactionAsync(cancel);
        var id = await Sql.ScalarAsync<long>(
            home, "INSERT INTO tenfold.shard_moves (source, target, buckets, step) VALUES ($1, $2, $3, $4) RETURNING id", cancel, source, target, buckets.ToArray(), (int)MoveStep.Recorded);
        var move = new MoveRecord(id, source, target, buckets, MoveStep.Recorded, "", null);
        foreach (var (database, kind) in ((int, string)[])[(source, "publication"), (source, "slot"), (target, "rows")])
        {
            await Sql.ExecuteAsync(home, "INSERT INTO tenfold.shard_move_objects (move, database_id, kind, name) VALUES ($1, $2, $3, $4)", cancel, id, database, kind, move.ObjectName);
        }

        await transaction.CommitAsync(cancel);
        return move;
    }

    /// <summary>All that are not at their end, oldest first.</summary>
    public static Task<List<MoveRecord>> ListAsync(NpgsqlConnection home, CancellationToken cancel) => Sql.ListAsync(
        home,
        "SELECT id, source, target, buckets, step, progress, extract(epoch FROM clock_timestamp() - flipped_at)::float8 FROM tenfold.shard_moves ORDER BY id",
        rows => new MoveRecord(
            rows.GetInt64(0), rows.GetInt32(1), rows.GetInt32(2), rows.GetFieldValue<int[]>(3), (MoveStep)rows.GetInt32(4), rows.GetString(5), rows.IsDBNull(6) ? null : TimeSpan.FromSeconds(rows.GetDouble(6))),
        cancel);

    public static Task StepAsync(NpgsqlConnection home, long move, MoveStep step, CancellationToken cancel) =>
        Sql.ExecuteAsync(home, "UPDATE tenfold.shard_moves SET step = $2 WHERE id = $1", cancel, move, (int)step);

    public static Task ProgressAsync(NpgsqlConnection home, long move, string progress, CancellationToken cancel) =>
        Sql.ExecuteAsync(home, "UPDATE tenfold.shard_moves SET progress = $2 WHERE id = $1", cancel, move, progress);

    /// <summary>Changes the map, and notes in the same transaction that it was this move.</summary>
    public static async Task FlipAsync(NpgsqlConnection home, MoveRecord move, ReadToken arrived, CancellationToken cancel)
    {
        await using var transaction = await home.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(home, "SELECT pg_advisory_xact_lock($1)", cancel, ShardSchema.MapLock);
        await ShardMapTable.FlipAsync(home, move.Buckets, move.Target, arrived, cancel);
        await Sql.ExecuteAsync(home, "UPDATE tenfold.shard_moves SET step = $2, flipped_at = coalesce(flipped_at, clock_timestamp()) WHERE id = $1", cancel, move.Id, (int)MoveStep.Flipped);
        await transaction.CommitAsync(cancel);
    }

    public static async Task RemoveAsync(NpgsqlConnection home, long move, CancellationToken cancel)
    {
        await using var transaction = await home.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(home, "DELETE FROM tenfold.shard_move_objects WHERE move = $1", cancel, move);
        await Sql.ExecuteAsync(home, "DELETE FROM tenfold.shard_moves WHERE id = $1", cancel, move);
        await transaction.CommitAsync(cancel);
    }
}
