using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Partitions;

/// <summary>
/// Gives one database of a sharded store the partitions by date that another one has: rows that move there are older than what
/// its own keeper makes partitions for.
/// </summary>
internal static class PartitionMirror
{
    private const int Attempts = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Makes what is missing for the sharded tables that both have; nothing is removed. The names of what was made.</summary>
    /// <exception cref="ShardException">Somebody else keeps the target's partitions, and was not done within 20 s.</exception>
    public static async Task<IReadOnlyList<string>> MakeAsync(NpgsqlConnection from, NpgsqlConnection to, TimeProvider time, CancellationToken cancel)
    {
        await using var reading = await BeginAsync(from, cancel);
        await using var making = await BeginAsync(to, cancel);
        var tables = await Sql.ListAsync(
            from,
            """
            SELECT n.nspname || '.' || c.relname, a.attname
            FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND a.attnum > 0
            WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0 AND NOT c.relispartition
                AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'bucket_id' AND NOT b.attisdropped)
            """,
            row => new PartitionedTable { Table = row.GetString(0), By = row.GetString(1), Every = PartitionPeriod.Day },
            cancel);
        var made = new List<string>();
        if (tables.Count == 0)
        {
            return made;
        }

        await LockAsync(to, time, cancel);
        foreach (var table in tables)
        {
            var source = await PartitionCatalog.ReadAsync(from, table, cancel);
            TableState target;
            try
            {
                target = await PartitionCatalog.ReadAsync(to, table, cancel);
            }
            catch (PartitionException)
            {
                continue; // not there, or another kind of table: for the mover's own checks to say
            }

            foreach (var range in PartitionPlan.Uncovered(source.Partitions.Select(partition => partition.Range), target.Partitions.Select(partition => partition.Range)).ToArray())
            {
                var same = source.Partitions.FirstOrDefault(partition => partition.Range == range);
                var name = same?.Name ?? PartitionPlan.Name(target.Name, PartitionPeriod.Day, range.From);
                await PartitionCatalog.MakeAsync(to, target, name, range, cancel);
                made.Add(name);
            }
        }

        await making.CommitAsync(cancel);
        return made;
    }

    private static async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var transaction = await connection.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(connection, "SET LOCAL timezone = 'UTC'", cancel);
        await Sql.ExecuteAsync(connection, "SET LOCAL datestyle = 'ISO, YMD'", cancel);
        return transaction;
    }

    private static async Task LockAsync(NpgsqlConnection to, TimeProvider time, CancellationToken cancel)
    {
        for (var attempt = 1; !await Sql.ScalarAsync<bool>(to, "SELECT pg_try_advisory_xact_lock($1)", cancel, PartitionKeeper.Lock); attempt++)
        {
            if (attempt == Attempts)
            {
                throw new ShardException(ShardFailure.Move, $"an instance is at work on the partitions of database {to.Database} (advisory lock {PartitionKeeper.Lock}); try again when it is done");
            }

            await Task.Delay(Pause, time, cancel);
        }
    }
}
