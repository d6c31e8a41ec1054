using Npgsql;

namespace Tenfold.Postgres.Moves;

/// <summary>A table that is sharded: it has a column <c>bucket_id</c>, which stands in its primary key.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Table">Its name.</param>
/// <param name="Columns">All columns but generated ones, in order, with their types.</param>
/// <param name="Key">Columns of the primary key other than <c>bucket_id</c>, in the key's order, with their types.</param>
/// <param name="Indexes">Definitions of its indexes, without names.</param>
/// <param name="ReplicaIdentity">As <c>pg_class.relreplident</c>.</param>
/// <param name="HasTriggers">Whether it has triggers, foreign keys' included.</param>
/// <param name="HasKey">Whether <c>bucket_id</c> stands in its primary key.</param>
internal sealed record ShardedTable(
    string Schema, string Table, IReadOnlyList<Column> Columns, IReadOnlyList<Column> Key, IReadOnlyList<string> Indexes, char ReplicaIdentity, bool HasTriggers, bool HasKey)
{
    public const string BucketColumn = "bucket_id";

    /// <summary>Its name as it stands in SQL.</summary>
    public string Sql { get; } = $"{Shards.Sql.Name(Schema)}.{Shards.Sql.Name(Table)}";

    /// <summary>Its columns as they stand in SQL.</summary>
    public string ColumnList { get; } = string.Join(", ", Columns.Select(column => Shards.Sql.Name(column.Name)));

    /// <summary>All sharded tables of a database. Partitions are left to their parents.</summary>
    public static async Task<List<ShardedTable>> ListAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var tables = await Shards.Sql.ListAsync(
            connection,
            """
            SELECT n.nspname, c.relname,
                ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
                ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
                ARRAY(SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY k(attnum, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                      WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place),
                ARRAY(SELECT regexp_replace(pg_get_indexdef(i.indexrelid), ' INDEX .+? USING ', ' INDEX USING ') FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid ORDER BY 1),
                c.relreplident,
                EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A'))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
                AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'bucket_id' AND NOT a.attisdropped)
            ORDER BY 1, 2
            """,
            rows =>
            {
                Column[] columns = [.. rows.GetFieldValue<string[]>(2).Zip(rows.GetFieldValue<string[]>(3), (name, type) => new Column(name, type))];
                var key = rows.GetFieldValue<string[]>(4);
                return new ShardedTable(
                    rows.GetString(0),
                    rows.GetString(1),
                    columns,
                    [.. key.Where(name => name != BucketColumn).Select(name => columns.First(column => column.Name == name))],
                    rows.GetFieldValue<string[]>(5),
                    rows.GetChar(6),
                    rows.GetBoolean(7),
                    key.Contains(BucketColumn));
            },
            cancel);
        return tables;
    }
}

/// <summary>A column and its type.</summary>
internal sealed record Column(string Name, string Type);
