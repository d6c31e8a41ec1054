using Npgsql;
using Tenfold.Postgres.Moves;

namespace Tenfold.Postgres.Shards;

/// <summary>Makes the map when there is none, and otherwise finds out whether this process and the map agree.</summary>
internal static class ShardMapMaker
{
    /// <summary>The map. What is missing in the databases is made first.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Map"/>: the guide now says another number of buckets than the map was made with.</exception>
    public static async Task<ShardMap> EnsureAsync(ShardDatabases databases, ShardedStoreOptions options, CancellationToken cancel)
    {
        await using var home = await databases.Home.OpenWriterAsync(null, cancel);
        await ShardSchema.EnsureAsync(home, home: true, cancel);
        return Check(await ShardMapTable.ReadAsync(home, cancel) ?? await MakeAsync(home, databases, options, cancel), options);
    }

    private static ShardMap Check(ShardMap map, ShardedStoreOptions options) => map.Scheme.Same(options.Scheme)
        ? map
        : throw new ShardException(
            ShardFailure.Map,
            $"store {options.Home.Name}: its shard map was made with other buckets ({map.Scheme.Kind}: {map.Scheme.Say()}) than asked for now ({options.Scheme.Kind}: {options.Scheme.Say()}); rows would not be found: keep the number that the map has");

    private static async Task<ShardMap> MakeAsync(NpgsqlConnection home, ShardDatabases databases, ShardedStoreOptions options, CancellationToken cancel)
    {
        await using var transaction = await home.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(home, "SELECT pg_advisory_xact_lock($1)", cancel, ShardSchema.MapLock);
        if (await ShardMapTable.ReadAsync(home, cancel) is { } other)
        {
            return other; // made by another process while this one waited
        }

        ShardDatabase[] all = [new ShardDatabase(0, ""), .. options.Others.OrderBy(one => one.Key).Select(one => new ShardDatabase(one.Key, ShardDatabases.AddressOf(one.Value)))];
        // Rows that are there already stay where they are found: a rebalance spreads them.
        var map = await HasRowsAsync(home, cancel) ? new ShardMap(1, options.Scheme, all, Enumerable.Repeat(0, options.Scheme.Count)) : ShardMap.Even(options.Scheme, all);

        // Fences before the map: as long as there is no map nobody writes, so that a half-made one is simply made again.
        foreach (var database in map.Databases)
        {
            if (database.Id == 0)
            {
                await FenceAsync(home, map, database.Id, cancel);
                continue;
            }

            await using var connection = await databases.Of(database).OpenWriterAsync(null, cancel);
            await ShardSchema.EnsureAsync(connection, home: false, cancel);
            await FenceAsync(connection, map, database.Id, cancel);
        }

        await ShardMapTable.CreateAsync(home, map, cancel);
        await transaction.CommitAsync(cancel);
        return map;
    }

    private static async Task<bool> HasRowsAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        foreach (var table in await ShardedTable.ListAsync(home, cancel))
        {
            if (await Sql.ScalarAsync<bool>(home, $"SELECT EXISTS (SELECT FROM {table.Sql})", cancel))
            {
                return true;
            }
        }

        return false;
    }

    private static async Task FenceAsync(NpgsqlConnection connection, ShardMap map, int database, CancellationToken cancel)
    {
        await Sql.ExecuteAsync(connection, "DELETE FROM tenfold.shard_fences", cancel);
        await ShardFences.SetAsync(connection, map.BucketsOf(database), owned: true, map.Epoch, cancel);
    }
}
