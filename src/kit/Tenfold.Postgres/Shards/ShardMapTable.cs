using System.Globalization;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>The map as the home database stores it. Callers that write hold <see cref="ShardSchema.MapLock"/>.</summary>
internal static class ShardMapTable
{
    /// <summary>The map; null when none was made yet.</summary>
    public static async Task<ShardMap?> ReadAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        // One statement, one snapshot: parts of two maps would be none.
        await using var command = new NpgsqlCommand(
            """
            SELECT epoch, kind, buckets, bounds,
                ARRAY(SELECT id FROM tenfold.shard_databases ORDER BY id),
                ARRAY(SELECT address FROM tenfold.shard_databases ORDER BY id),
                ARRAY(SELECT database_id FROM tenfold.shard_buckets ORDER BY bucket),
                ARRAY(SELECT coalesce(CASE WHEN arrived_at > clock_timestamp() - interval '10 minutes' THEN arrived END, '') FROM tenfold.shard_buckets ORDER BY bucket)
            FROM tenfold.shard_map
            """,
            home);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel)
            ? new ShardMap(
                rows.GetInt64(0),
                BucketScheme.Parse(rows.GetString(1), rows.GetInt32(2), rows.GetFieldValue<string[]>(3)),
                rows.GetFieldValue<int[]>(4).Zip(rows.GetFieldValue<string[]>(5), (id, address) => new ShardDatabase(id, address)),
                rows.GetFieldValue<int[]>(6),
                rows.GetFieldValue<string[]>(7).Select(Parse))
            : null;
    }

    /// <summary>Stores the first map.</summary>
    public static async Task CreateAsync(NpgsqlConnection home, ShardMap map, CancellationToken cancel)
    {
        foreach (var database in map.Databases)
        {
            await Sql.ExecuteAsync(home, "INSERT INTO tenfold.shard_databases (id, address) VALUES ($1, $2)", cancel, database.Id, database.Address);
        }

        await Sql.ExecuteAsync(
            home,
            "INSERT INTO tenfold.shard_buckets (bucket, database_id) SELECT bucket - 1, owner FROM unnest($1::integer[]) WITH ORDINALITY AS one(owner, bucket)",
            cancel,
            map.Owners.ToArray());
        await Sql.ExecuteAsync(
            home,
            "INSERT INTO tenfold.shard_map (epoch, kind, buckets, bounds) VALUES ($1, $2, $3, $4)",
            cancel,
            map.Epoch,
            map.Scheme.Kind,
            map.Scheme.Count,
            map.Scheme.Bounds.ToArray());
    }

    /// <summary>Lists a database in the map, or changes its address; a new epoch if that changed anything.</summary>
    public static async Task RegisterAsync(NpgsqlConnection home, ShardDatabase database, CancellationToken cancel)
    {
        var changed = await Sql.ExecuteAsync(
            home,
            "INSERT INTO tenfold.shard_databases AS known (id, address) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET address = excluded.address WHERE known.address <> excluded.address",
            cancel,
            database.Id,
            database.Address);
        if (changed > 0)
        {
            await NextEpochAsync(home, cancel);
        }
    }

    /// <summary>Gives buckets to a database.</summary>
    /// <returns>The new epoch; the current one when they were its already.</returns>
    public static async Task<long> FlipAsync(NpgsqlConnection home, IReadOnlyList<int> buckets, int to, ReadToken arrived, CancellationToken cancel)
    {
        var changed = await Sql.ExecuteAsync(
            home,
            "UPDATE tenfold.shard_buckets SET database_id = $1, arrived = $3, arrived_at = clock_timestamp() WHERE bucket = ANY($2) AND database_id <> $1",
            cancel,
            to,
            buckets.ToArray(),
            string.Create(CultureInfo.InvariantCulture, $"{arrived.SystemId}/{arrived.Timeline}/{(ulong)arrived.Lsn}"));
        return changed > 0 ? await NextEpochAsync(home, cancel) : await Sql.ScalarAsync<long>(home, "SELECT epoch FROM tenfold.shard_map", cancel);
    }

    private static ReadToken? Parse(string arrived) => arrived.Split('/') is [var system, var timeline, var lsn]
        ? new ReadToken(ulong.Parse(system, CultureInfo.InvariantCulture), uint.Parse(timeline, CultureInfo.InvariantCulture), new(ulong.Parse(lsn, CultureInfo.InvariantCulture)))
        : null;

    private static async Task<long> NextEpochAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        var epoch = await Sql.ScalarAsync<long>(home, "UPDATE tenfold.shard_map SET epoch = epoch + 1 RETURNING epoch", cancel);
        await Sql.ExecuteAsync(home, "SELECT pg_notify($1, $2)", cancel, ShardSchema.Channel, $"{epoch}");
        return epoch;
    }
}
