using Npgsql;
using Tenfold.Guide;

namespace Tenfold.Runtime.Queries;

/// <summary>
/// Looks at queries in a database that is thrown away afterwards, as its superuser: for each index of the table, all others are
/// declared invalid in the catalogue, and PostgreSQL is asked for its plan. Everything is rolled back.
/// </summary>
internal sealed class ShapeLook(NpgsqlConnection connection)
{
    /// <summary>Names of the indexes that serve the query, or what is wrong and what would help.</summary>
    public async Task<(IReadOnlyList<string> ServedBy, string? Problem)> AtAsync(QueryShape shape, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        try
        {
            return await LookAsync(shape, cancel);
        }
        catch (PostgresException e)
        {
            return ([], $"PostgreSQL refuses it: {e.MessageText}{(e.Hint is { } hint ? $" ({hint})" : "")}");
        }
    }

    private async Task<(IReadOnlyList<string> ServedBy, string? Problem)> LookAsync(QueryShape shape, CancellationToken cancel)
    {
        var quoted = ShapeSql.Quote(shape.Table);
        var kind = await ScalarAsync<char?>("SELECT relkind FROM pg_class WHERE oid = to_regclass($1)", cancel, quoted);
        if (kind is not ('r' or 'p' or 'm'))
        {
            return ([], kind is null ? $"the schema makes no table {shape.Table}" : $"{shape.Table} is no table");
        }

        if (kind == 'p' && await ScalarAsync<long>("SELECT count(*) FROM pg_partition_tree($1::regclass) WHERE isleaf", cancel, quoted) == 0)
        {
            await RunAsync($"CREATE TABLE tenfold_check PARTITION OF {quoted} DEFAULT", cancel); // with the indexes that every partition gets
        }

        var leaf = await ScalarAsync<uint>("SELECT relid::oid FROM pg_partition_tree($1::regclass) WHERE isleaf UNION ALL SELECT $1::regclass::oid LIMIT 1", cancel, quoted);
        var name = await ScalarAsync<string>("SELECT relname::text FROM pg_class WHERE oid = $1", cancel, leaf);
        var booleans = (await ScalarAsync<string[]>(
            "SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute WHERE attrelid = $1 AND atttypid = 'boolean'::regtype AND attnum > 0", cancel, leaf))!.ToHashSet(StringComparer.Ordinal);
        var (sql, parameters) = ShapeSql.Of(shape, booleans);

        // An empty table is read whole and sorted unless that is forbidden.
        await RunAsync("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL max_parallel_workers_per_gather = 0", cancel);
        var problem = ShapePlan.Problem(await PlanAsync(sql, parameters, cancel), name!, null);
        var served = new List<string>();
        foreach (var index in await IndexesAsync(leaf, cancel))
        {
            await RunAsync("UPDATE pg_index SET indisvalid = (indexrelid = $1) WHERE indrelid = $2", cancel, index.Id, leaf);
            var found = ShapePlan.Problem(await PlanAsync(sql, parameters, cancel), name!, index);
            if (found is null)
            {
                served.Add(index.Name);
            }

            problem ??= found; // PostgreSQL would combine several
        }

        return served.Count > 0
            ? (served, null)
            : ([], $"no index serves it: {problem}.{(ShapeSql.IndexFor(shape, booleans) is { } would ? $" This one would: {would}" : "")}");
    }

    private async Task<string> PlanAsync(string sql, int parameters, CancellationToken cancel)
    {
        await RunAsync($"PREPARE tenfold_check AS {sql}", cancel);
        var nulls = parameters == 0 ? "" : $"({string.Join(", ", Enumerable.Repeat("NULL", parameters))})";
        var plan = await ScalarAsync<string>($"EXPLAIN (FORMAT JSON) EXECUTE tenfold_check{nulls}", cancel);
        await RunAsync("DEALLOCATE tenfold_check", cancel);
        return plan!;
    }

    private async Task<List<TableIndex>> IndexesAsync(uint table, CancellationToken cancel)
    {
        await using var command = Command(
            """
            SELECT indexrelid, coalesce((SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = indexrelid), indexrelid::regclass::text), amname::text,
                (SELECT array_agg(pg_get_indexdef(indexrelid, n, true) ORDER BY n) FROM generate_series(1, indnkeyatts) n)
            FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am ON pg_am.oid = relam WHERE indrelid = $1 AND indisvalid ORDER BY 2
            """,
            [table]);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var indexes = new List<TableIndex>();
        while (await rows.ReadAsync(cancel))
        {
            indexes.Add(new TableIndex(rows.GetFieldValue<uint>(0), rows.GetString(1), rows.GetString(2), rows.GetFieldValue<string[]>(3)));
        }

        return indexes;
    }

    private async Task<T?> ScalarAsync<T>(string sql, CancellationToken cancel, params object[] values)
    {
        await using var command = Command(sql, values);
        return (T?)await command.ExecuteScalarAsync(cancel);
    }

    private async Task RunAsync(string sql, CancellationToken cancel, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(value is uint id ? new NpgsqlParameter { Value = id, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid } : new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
