using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>A database's own word on which buckets it owns.</summary>
internal static class ShardFences
{
    /// <summary>Opens or closes buckets. For a move: under the bucket's advisory lock, held alone.</summary>
    public static Task SetAsync(NpgsqlConnection connection, IReadOnlyList<int> buckets, bool owned, long epoch, CancellationToken cancel) =>
        Sql.ExecuteAsync(
            connection,
            "INSERT INTO tenfold.shard_fences (bucket, owned, epoch) SELECT bucket, $2, $3 FROM unnest($1::integer[]) bucket ON CONFLICT (bucket) DO UPDATE SET owned = excluded.owned, epoch = excluded.epoch",
            cancel,
            buckets.ToArray(),
            owned,
            epoch);

    /// <summary>Those of the buckets that the database owns.</summary>
    public static Task<List<int>> OwnedAsync(NpgsqlConnection connection, IReadOnlyList<int> buckets, CancellationToken cancel) =>
        Sql.ListAsync(connection, "SELECT bucket FROM tenfold.shard_fences WHERE owned AND bucket = ANY($1) ORDER BY bucket", rows => rows.GetInt32(0), cancel, buckets.ToArray());
}
