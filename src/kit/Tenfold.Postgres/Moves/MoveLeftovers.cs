using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Finds and removes what abandoned moves have left, in every database of the map.</summary>
internal static class MoveLeftovers
{
    public static async Task<IReadOnlyList<string>> CleanAsync(ShardedStore store, NpgsqlConnection home, Func<MoveRecord, Task> finish, Func<Task> drop, CancellationToken cancel)
    {
        var done = new List<string>();
        foreach (var move in await MoveJournal.ListAsync(home, cancel))
        {
            if (move.Step >= MoveStep.SwitchJournaled)
            {
                await finish(move);
                done.Add($"move {move.Id} ({move.Say()} to database {move.Target}) was past the point of no return and is finished");
            }
            else
            {
                await AbandonAsync(store, home, move, done, cancel);
            }
        }

        await drop();
        await store.ReachAsync(await Sql.ScalarAsync<long>(home, "SELECT epoch FROM tenfold.shard_map", cancel), cancel);
        foreach (var database in store.Map.Databases)
        {
            await using var connection = await MoveConnections.OpenAsync(store, database.Id, cancel);
            await CleanObjectsAsync(connection, database.Id, done, cancel);
            await CleanRowsAsync(store, connection, database.Id, done, cancel);
        }

        return done;
    }

    private static async Task AbandonAsync(ShardedStore store, NpgsqlConnection home, MoveRecord move, List<string> done, CancellationToken cancel)
    {
        await using var source = await MoveConnections.OpenAsync(store, move.Source, cancel);
        await using var target = await MoveConnections.OpenAsync(store, move.Target, cancel);
        await MoveCleaner.DropSlotAsync(source, move.ObjectName, cancel);
        await MoveCleaner.DropPublicationAsync(source, move.ObjectName, cancel);
        await Sql.ExecuteAsync(target, "DELETE FROM tenfold.shard_incoming WHERE move = $1", cancel, move.Id);
        var rows = await MoveCleaner.DeleteRowsAsync(target, await ShardedTable.ListAsync(target, cancel), move.Buckets, cancel);
        await MoveJournal.RemoveAsync(home, move.Id, cancel);
        done.Add($"move {move.Id} ({move.Say()} to database {move.Target}) is abandoned: its slot and publication are dropped, {rows} copied rows are deleted; database {move.Source} owns them as before");
    }

    private static async Task CleanObjectsAsync(NpgsqlConnection connection, int database, List<string> done, CancellationToken cancel)
    {
        var like = MoveJournal.ObjectPrefix.Replace("_", "\\_", StringComparison.Ordinal) + "%";
        foreach (var slot in await Sql.ListAsync(connection, "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() AND slot_name LIKE $1", rows => rows.GetString(0), cancel, like))
        {
            await MoveCleaner.DropSlotAsync(connection, slot, cancel);
            done.Add($"database {database}: replication slot {slot}, which no move in the journal knows, is dropped");
        }

        foreach (var publication in await Sql.ListAsync(connection, "SELECT pubname::text FROM pg_publication WHERE pubname LIKE $1", rows => rows.GetString(0), cancel, like))
        {
            await MoveCleaner.DropPublicationAsync(connection, publication, cancel);
            done.Add($"database {database}: publication {publication}, which no move in the journal knows, is dropped");
        }

        await Sql.ExecuteAsync(connection, "DELETE FROM tenfold.shard_incoming", cancel);
    }

    // By the map and by the database's own fences: only what both say is another's.
    private static async Task CleanRowsAsync(ShardedStore store, NpgsqlConnection connection, int database, List<string> done, CancellationToken cancel)
    {
        var tables = await ShardedTable.ListAsync(connection, cancel);
        int[] others = [.. Enumerable.Range(0, store.Map.Scheme.Count).Where(bucket => store.Map.DatabaseOf(bucket) != database)];
        var owned = await ShardFences.OwnedAsync(connection, others, cancel);
        foreach (var table in tables)
        {
            var found = await Sql.ListAsync(connection, $"SELECT DISTINCT bucket_id::integer FROM {table.Sql} WHERE bucket_id = ANY($1)", rows => rows.GetInt32(0), cancel, others.Except(owned).ToArray());
            if (found.Count > 0)
            {
                var rows = await MoveCleaner.DeleteRowsAsync(connection, [table], found, cancel);
                done.Add($"database {database}: {rows} rows of table {table.Sql} in {found.Count} buckets that it does not own are deleted");
            }
        }
    }
}
