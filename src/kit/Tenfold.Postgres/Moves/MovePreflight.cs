using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Finds everything that would stop a move half-way, before it begins.</summary>
internal static class MovePreflight
{
    /// <summary>The tables to move.</summary>
    /// <exception cref="ShardException">Something is in the way: all of it, one a line.</exception>
    public static async Task<IReadOnlyList<ShardedTable>> CheckAsync(NpgsqlConnection source, NpgsqlConnection target, int sourceId, int targetId, bool slotIsThere, CancellationToken cancel)
    {
        var problems = new List<string>();
        await CheckServersAsync(source, target, sourceId, targetId, slotIsThere, problems, cancel);
        var tables = await ShardedTable.ListAsync(source, cancel);
        var there = (await ShardedTable.ListAsync(target, cancel)).ToDictionary(table => table.Sql, StringComparer.Ordinal);
        foreach (var table in tables)
        {
            CheckSource(table, sourceId, problems);
            CheckTarget(table, there.GetValueOrDefault(table.Sql), targetId, problems);
        }

        foreach (var (connection, id, anyTriggers) in new[] { (source, sourceId, tables.Any(table => table.HasTriggers)), (target, targetId, there.Values.Any(table => table.HasTriggers)) })
        {
            if (anyTriggers && !await CanSilenceTriggersAsync(connection, cancel))
            {
                problems.Add($"database {id}: its sharded tables have triggers or foreign keys, which must not act on rows that are only moved, and its user may not switch them off; as superuser: GRANT SET ON PARAMETER session_replication_role TO {connection.UserName}");
            }
        }

        return problems.Count == 0
            ? tables
            : throw new ShardException(ShardFailure.Move, $"moving from database {sourceId} to {targetId} cannot begin:\n  {string.Join("\n  ", problems)}");
    }

    /// <summary>Switches triggers and foreign keys off for the transaction, where there are any.</summary>
    public static async Task SilenceTriggersAsync(NpgsqlConnection connection, IReadOnlyList<ShardedTable> tables, CancellationToken cancel)
    {
        if (tables.Any(table => table.HasTriggers))
        {
            await Sql.ExecuteAsync(connection, "SET LOCAL session_replication_role = replica", cancel);
        }
    }

    private static async Task CheckServersAsync(NpgsqlConnection source, NpgsqlConnection target, int sourceId, int targetId, bool slotIsThere, List<string> problems, CancellationToken cancel)
    {
        foreach (var (connection, id) in new[] { (source, sourceId), (target, targetId) })
        {
            if (connection.PostgreSqlVersion.Major < 15)
            {
                problems.Add($"database {id}: PostgreSQL {connection.PostgreSqlVersion} has no row filters for publications; version 15 is the first");
            }
        }

        if (await Sql.ScalarAsync<string>(source, "SHOW wal_level", cancel) is var level and not "logical")
        {
            problems.Add($"database {sourceId}: wal_level is '{level}'; set wal_level = logical and restart the server");
        }

        var free = await Sql.ListAsync(
            source,
            """
            SELECT current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_replication_slots),
                current_setting('max_wal_senders')::int - (SELECT count(*)::int FROM pg_stat_replication),
                (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
                has_database_privilege(current_database(), 'CREATE')
            """,
            rows => (Slots: rows.GetInt32(0), Senders: rows.GetInt32(1), Replication: rows.GetBoolean(2), Create: rows.GetBoolean(3)),
            cancel);
        if (free[0].Slots < 1 && !slotIsThere)
        {
            problems.Add($"database {sourceId}: all replication slots are in use; look at pg_replication_slots for ones that nobody needs ('tenfold shards SYSTEM clean' removes those of abandoned moves), or raise max_replication_slots");
        }

        if (free[0].Senders < 1)
        {
            problems.Add($"database {sourceId}: all WAL senders are in use; raise max_wal_senders");
        }

        if (!free[0].Replication)
        {
            problems.Add($"database {sourceId}: its user may not replicate; as superuser: ALTER ROLE {source.UserName} REPLICATION");
        }

        if (!free[0].Create)
        {
            problems.Add($"database {sourceId}: its user may not create a publication; as its owner: GRANT CREATE ON DATABASE {source.Database} TO {source.UserName}");
        }
    }

    private static void CheckSource(ShardedTable table, int database, List<string> problems)
    {
        if (!table.HasKey)
        {
            problems.Add($"database {database}: table {table.Sql} has a column bucket_id that is not in its primary key; a sharded table's primary key holds it (PRIMARY KEY (bucket_id, …))");
        }

        if (table.ReplicaIdentity is not ('d' or 'f'))
        {
            problems.Add($"database {database}: table {table.Sql} does not log the primary key of changed rows; ALTER TABLE {table.Sql} REPLICA IDENTITY DEFAULT");
        }
    }

    private static void CheckTarget(ShardedTable table, ShardedTable? there, int database, List<string> problems)
    {
        if (there is null)
        {
            problems.Add($"database {database}: has no table {table.Sql}; apply the schema there first");
            return;
        }

        var missing = table.Columns.Except(there.Columns).Select(column => $"{column.Name} {column.Type}").ToList();
        if (missing.Count > 0 || there.Columns.Count != table.Columns.Count)
        {
            problems.Add($"database {database}: table {table.Sql} has other columns than the source's{(missing.Count > 0 ? $" (not there: {string.Join(", ", missing)})" : "")}; bring both to the same schema");
        }

        if (!table.Key.SequenceEqual(there.Key) || !there.HasKey)
        {
            problems.Add($"database {database}: table {table.Sql} has another primary key than the source's; bring both to the same schema");
        }

        foreach (var index in table.Indexes.Except(there.Indexes, StringComparer.Ordinal))
        {
            problems.Add($"database {database}: table {table.Sql} lacks an index that the source has ({index}); create it there: queries would be slow after the move");
        }
    }

    private static async Task<bool> CanSilenceTriggersAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        await Sql.ScalarAsync<bool>(connection, "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR has_parameter_privilege('session_replication_role', 'SET')", cancel);
}
