using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Partitions;

/// <summary>A partitioned table as it is.</summary>
internal sealed record TableState(uint Oid, string Schema, string Name, IReadOnlyList<PartitionState> Partitions, IReadOnlyList<DetachedTable> Detached)
{
    /// <summary>As it stands in SQL.</summary>
    public string Sql => $"{Shards.Sql.Name(Schema)}.{Shards.Sql.Name(Name)}";

    /// <summary>The comment on a partition that is to go: found again when the run that detached it did not get to its end.</summary>
    public string Mark => $"tenfold: leaves {Schema}.{Name}";
}

/// <param name="Schema">Where it is.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Range">What it holds.</param>
/// <param name="IsPending">Whether a detach was interrupted.</param>
/// <param name="IsMarked">Whether it was to go.</param>
internal sealed record PartitionState(string Schema, string Name, PartitionRange Range, bool IsPending, bool IsMarked)
{
    public string Sql => $"{Shards.Sql.Name(Schema)}.{Shards.Sql.Name(Name)}";
}

/// <summary>A former partition, not dropped yet.</summary>
internal sealed record DetachedTable(string Schema, string Name)
{
    public string Sql => $"{Shards.Sql.Name(Schema)}.{Shards.Sql.Name(Name)}";
}

/// <summary>Reads PostgreSQL's catalog.</summary>
internal static class PartitionCatalog
{
    private const int LongestName = 63; // bytes; PostgreSQL would cut the rest off

    /// <exception cref="PartitionException">The table is not one that can be kept so.</exception>
    public static async Task<TableState> ReadAsync(NpgsqlConnection connection, PartitionedTable table, CancellationToken cancel)
    {
        const string find = """
            SELECT c.oid, n.nspname, c.relname, coalesce(p.partstrat::text, ''), p.partnatts, p.partdefid <> 0, coalesce(a.attname, ''), coalesce(format_type(a.atttypid, NULL), '')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND a.attnum > 0
            WHERE c.oid = to_regclass($1)
            """;
        var quoted = string.Join('.', table.Table.Split('.').Select(Sql.Name));
        var found = await Sql.ListAsync(
            connection, find, row => (Oid: row.GetFieldValue<uint>(0), Schema: row.GetString(1), Name: row.GetString(2), Strategy: row.GetString(3), Columns: row.IsDBNull(4) ? 0 : row.GetInt16(4),
                HasDefault: !row.IsDBNull(5) && row.GetBoolean(5), Column: row.GetString(6), Type: row.GetString(7)), cancel, quoted);
        if (found is not [var it])
        {
            throw new PartitionException($"there is no table {table.Table}; make it in the schema: CREATE TABLE {table.Table} (…) PARTITION BY RANGE ({table.By})");
        }

        if (it.Strategy != "r" || it.Columns != 1 || it.Column != table.By)
        {
            throw new PartitionException($"{table.Table} is {(it.Strategy.Length == 0 ? "not partitioned" : "partitioned in another way")}; needed: PARTITION BY RANGE ({table.By})");
        }

        if (it.Type is not ("date" or "timestamp without time zone" or "timestamp with time zone"))
        {
            throw new PartitionException($"{table.Table}.{table.By} is of type {it.Type}; partitions by date need date, timestamp or timestamptz");
        }

        if (it.HasDefault)
        {
            throw new PartitionException($"{table.Table} has a default partition: no partition can be made for rows that it holds, and none be detached while the table is in use; move its rows and drop it");
        }

        var state = new TableState(it.Oid, it.Schema, it.Name, [], []);
        return state with { Partitions = await PartitionsAsync(connection, state, cancel), Detached = await DetachedAsync(connection, state, cancel) };
    }

    public static Task<List<PartitionState>> PartitionsAsync(NpgsqlConnection connection, TableState table, CancellationToken cancel) => Sql.ListAsync(
        connection,
        """
        SELECT n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid), i.inhdetachpending, coalesce(obj_description(c.oid, 'pg_class') = $2, false)
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.inhparent = $1::oid ORDER BY c.relname
        """,
        row => new PartitionState(row.GetString(0), row.GetString(1), PartitionRange.Parse(row.GetString(2)), row.GetBoolean(3), row.GetBoolean(4)),
        cancel,
        (long)table.Oid,
        table.Mark);

    /// <summary>Makes a partition, in the transaction that there is. Not as PARTITION OF, which would lock readers and writers out; indexes, keys and triggers come with being attached.</summary>
    public static async Task MakeAsync(NpgsqlConnection connection, TableState table, string name, PartitionRange range, CancellationToken cancel)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(name) > LongestName)
        {
            throw new PartitionException($"the name {name} is longer than {LongestName} bytes; give the table a shorter one");
        }

        var partition = $"{Sql.Name(table.Schema)}.{Sql.Name(name)}";
        await Sql.ExecuteAsync(connection, $"CREATE TABLE {partition} (LIKE {table.Sql} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)", cancel);
        await Sql.ExecuteAsync(connection, $"ALTER TABLE {table.Sql} ATTACH PARTITION {partition} FOR VALUES FROM ({PartitionRange.Sql(range.From)}) TO ({PartitionRange.Sql(range.To)})", cancel);
    }

    public static Task<List<DetachedTable>> DetachedAsync(NpgsqlConnection connection, TableState table, CancellationToken cancel) => Sql.ListAsync(
        connection,
        """
        SELECT n.nspname, c.relname
        FROM pg_description d JOIN pg_class c ON c.oid = d.objoid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE d.classoid = 'pg_class'::regclass AND d.objsubid = 0 AND d.description = $1 AND NOT c.relispartition AND c.relkind IN ('r', 'p')
        ORDER BY c.relname
        """,
        row => new DetachedTable(row.GetString(0), row.GetString(1)),
        cancel,
        table.Mark);
}
