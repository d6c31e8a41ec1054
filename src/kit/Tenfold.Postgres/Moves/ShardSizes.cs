using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>What a bucket holds.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Database">Its owner.</param>
/// <param name="Rows">Rows of all sharded tables.</param>
/// <param name="Bytes">Their size, by a sample of each table; without indexes.</param>
public sealed record BucketSize(int Bucket, int Database, long Rows, long Bytes);

/// <summary>How large the buckets are: rows are counted, their width is sampled.</summary>
/// <param name="Epoch">Of the map.</param>
/// <param name="Buckets">By bucket.</param>
public sealed record ShardSizes(long Epoch, IReadOnlyList<BucketSize> Buckets)
{
    private const long Least = 8 << 10;
    private const double RowOverhead = 28; // bytes of a row's header and its place in the page
    private const double SampledRows = 20_000;

    /// <summary>Counts at every owner. Reads the primary keys of all sharded tables.</summary>
    /// <exception cref="ShardException">A database cannot be reached.</exception>
    public static async Task<ShardSizes> ReadAsync(ShardedStore store, CancellationToken cancel)
    {
        var map = store.Map;
        var rows = new long[map.Scheme.Count];
        var bytes = new double[map.Scheme.Count];
        foreach (var database in map.Databases)
        {
            var buckets = map.BucketsOf(database.Id);
            if (buckets.Count == 0)
            {
                continue;
            }

            await using var connection = await MoveConnections.OpenAsync(store, database.Id, cancel);
            foreach (var table in await ShardedTable.ListAsync(connection, cancel))
            {
                await CountAsync(connection, table, buckets, rows, bytes, cancel);
            }
        }

        return new ShardSizes(map.Epoch, [.. Enumerable.Range(0, rows.Length).Select(bucket => new BucketSize(bucket, map.DatabaseOf(bucket), rows[bucket], (long)bytes[bucket]))]);
    }

    /// <summary>Weights for a plan: bytes, and a little for each bucket, so that empty ones are spread too.</summary>
    public IReadOnlyList<long> Weights() => [.. Buckets.Select(bucket => bucket.Bytes + Least)];

    /// <summary>The largest database's bytes over the mean: 1 is even.</summary>
    /// <param name="databases">Number of databases.</param>
    public double Skew(int databases)
    {
        var mean = Buckets.Sum(bucket => bucket.Bytes) / (double)databases;
        return mean == 0 ? 1 : Buckets.GroupBy(bucket => bucket.Database).Max(group => group.Sum(bucket => bucket.Bytes)) / mean;
    }

    private static async Task CountAsync(NpgsqlConnection connection, ShardedTable table, IReadOnlyList<int> buckets, long[] rows, double[] bytes, CancellationToken cancel)
    {
        var counts = await Sql.ListAsync(
            connection, $"SELECT bucket_id::integer, count(*) FROM {table.Sql} GROUP BY 1", read => (Bucket: read.GetInt32(0), Rows: read.GetInt64(1)), cancel);
        var total = counts.Sum(count => count.Rows);
        if (total == 0)
        {
            return;
        }

        // Not from the table's size on disk: room that deleted rows have left is no load.
        var sizes = string.Join(" + ", table.Columns.Select(column => $"coalesce(pg_column_size({Sql.Name(column.Name)}), 0)"));
        var share = Math.Min(100, 100.0 * SampledRows / total);
        var width = RowOverhead + await Sql.ScalarAsync<double>(
            connection,
            string.Create(CultureInfo.InvariantCulture, $"SELECT coalesce(avg({sizes}), 0)::float8 FROM {table.Sql} TABLESAMPLE SYSTEM ({share:0.######}) REPEATABLE (1)"),
            cancel);
        foreach (var (bucket, count) in counts.Where(count => buckets.Contains(count.Bucket)))
        {
            rows[bucket] += count;
            bytes[bucket] += width * count;
        }
    }
}
