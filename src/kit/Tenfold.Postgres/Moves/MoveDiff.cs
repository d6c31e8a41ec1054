using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>
/// Compares source and target row by row while both change: in ranges of the primary key by their checksums, and where those differ
/// row by row after the target has caught up, until none differs. Rows that change too fast for that are looked at once more while
/// writes are blocked.
/// </summary>
internal static class MoveDiff
{
    private const int RangeRows = 10_000;
    private const int Rounds = 8;
    private const int MostLeft = 500;

    /// <summary>Compares all; goes on where an earlier run was killed.</summary>
    /// <returns>Rows to look at once more when writes are blocked.</returns>
    /// <exception cref="ShardException">Rows differ for good.</exception>
    public static async Task<IReadOnlyList<SuspectRow>> RunAsync(Mover mover, MoveStream stream, CancellationToken cancel)
    {
        var suspects = new List<SuspectRow>();
        var (firstTable, firstBucket) = Parse(mover.Move.Progress);
        var counter = new MoveCounter(mover, MoveStep.Compared, "comparing", await TotalAsync(mover, cancel));
        for (var table = firstTable; table < mover.Tables.Count; table++)
        {
            for (var at = table == firstTable ? firstBucket : 0; at < mover.Buckets.Length; at++)
            {
                suspects.AddRange(await CompareBucketAsync(mover, mover.Tables[table], mover.Buckets[at], stream, counter, cancel));
                if (suspects.Count > MostLeft)
                {
                    throw Differ(mover, suspects);
                }

                if (suspects.Count == 0)
                {
                    await MoveJournal.ProgressAsync(mover.Home, mover.Move.Id, string.Create(CultureInfo.InvariantCulture, $"{table}/{at + 1}"), cancel);
                }
            }
        }

        return suspects;
    }

    /// <summary>Looks at the rest, when nothing changes any more.</summary>
    /// <exception cref="ShardException">Rows differ.</exception>
    public static async Task FinishAsync(Mover mover, IReadOnlyList<SuspectRow> suspects, CancellationToken cancel)
    {
        var left = new List<SuspectRow>();
        foreach (var group in suspects.GroupBy(row => row.Table))
        {
            left.AddRange(await StillDifferAsync(mover, group.Key, [.. group], null, cancel));
        }

        if (left.Count > 0)
        {
            throw Differ(mover, left);
        }
    }

    private static async Task<List<SuspectRow>> CompareBucketAsync(Mover mover, ShardedTable table, int bucket, MoveStream stream, MoveCounter counter, CancellationToken cancel)
    {
        var suspects = new List<SuspectRow>();
        string[]? after = null;
        while (true)
        {
            var range = await RangeAsync(mover.Source, table, bucket, after, cancel);
            var last = range.Rows < RangeRows ? null : range.Last;
            if (range.Sum != await SumAsync(mover.Target, table, bucket, after, last, cancel))
            {
                suspects.AddRange(await CompareRowsAsync(mover, table, bucket, after, last, stream, cancel));
            }

            counter.Add(range.Rows);
            if (last is null)
            {
                return suspects;
            }

            after = last;
        }
    }

    private static async Task<List<SuspectRow>> CompareRowsAsync(Mover mover, ShardedTable table, int bucket, string[]? after, string[]? last, MoveStream stream, CancellationToken cancel)
    {
        var source = await HashesAsync(mover.Source, table, bucket, after, last, cancel);
        await stream.SyncAsync(cancel);
        var target = await HashesAsync(mover.Target, table, bucket, after, last, cancel);
        List<SuspectRow> suspects =
        [
            .. source.Keys.Union(target.Keys)
                .Where(key => !source.TryGetValue(key, out var hash) || !target.TryGetValue(key, out var other) || hash != other)
                .Select(key => new SuspectRow(table, bucket, key)),
        ];
        for (var round = 0; round < Rounds && suspects.Count > 0; round++)
        {
            suspects = await StillDifferAsync(mover, table, suspects, stream, cancel);
        }

        return suspects;
    }

    private static async Task<List<SuspectRow>> StillDifferAsync(Mover mover, ShardedTable table, List<SuspectRow> suspects, MoveStream? stream, CancellationToken cancel)
    {
        var source = await HashesAsync(mover.Source, table, suspects, cancel);
        if (stream is not null)
        {
            await stream.SyncAsync(cancel);
        }

        var target = await HashesAsync(mover.Target, table, suspects, cancel);
        return [.. suspects.Where(row => source.GetValueOrDefault((row.Bucket, row.Key)) != target.GetValueOrDefault((row.Bucket, row.Key)))];
    }

    private static async Task<(long Rows, string Sum, string[]? Last)> RangeAsync(NpgsqlConnection connection, ShardedTable table, int bucket, string[]? after, CancellationToken cancel)
    {
        var found = await Sql.ListAsync(
            connection,
            $"""
            WITH part AS MATERIALIZED (SELECT {Hash(table)} AS hash, {KeyArray(table)} AS key, row_number() OVER (ORDER BY {KeyList(table)}) AS place
                FROM {table.Sql} WHERE bucket_id = $1 {Bounds(table, after, null)} ORDER BY {KeyList(table)} LIMIT {RangeRows})
            SELECT count(*), count(*) || ':' || coalesce(sum(hash::numeric), 0), (SELECT key FROM part ORDER BY place DESC LIMIT 1) FROM part
            """,
            rows => (rows.GetInt64(0), rows.GetString(1), rows.IsDBNull(2) ? null : rows.GetFieldValue<string[]>(2)),
            cancel,
            [bucket, .. after ?? []]);
        return found[0];
    }

    private static async Task<string?> SumAsync(NpgsqlConnection connection, ShardedTable table, int bucket, string[]? after, string[]? last, CancellationToken cancel) =>
        await Sql.ScalarAsync<string>(
            connection,
            $"SELECT count(*) || ':' || coalesce(sum({Hash(table)}::numeric), 0) FROM {table.Sql} WHERE bucket_id = $1 {Bounds(table, after, last)}",
            cancel,
            [bucket, .. after ?? [], .. last ?? []]);

    private static async Task<Dictionary<string, long>> HashesAsync(NpgsqlConnection connection, ShardedTable table, int bucket, string[]? after, string[]? last, CancellationToken cancel) =>
        (await Sql.ListAsync(
            connection,
            $"SELECT {KeyArray(table)}::text, {Hash(table)} FROM {table.Sql} WHERE bucket_id = $1 {Bounds(table, after, last)}",
            rows => (rows.GetString(0), rows.GetInt64(1)),
            cancel,
            [bucket, .. after ?? [], .. last ?? []])).ToDictionary(row => row.Item1, row => row.Item2, StringComparer.Ordinal);

    private static async Task<Dictionary<(int Bucket, string Key), long?>> HashesAsync(NpgsqlConnection connection, ShardedTable table, List<SuspectRow> suspects, CancellationToken cancel)
    {
        // By the primary key's index: the keys are texts, read as their column's types.
        var some = table.Key.Count == 0
            ? ""
            : $" AND ({KeyList(table)}) IN (SELECT {string.Join(", ", table.Key.Select((column, at) => $"(key::text[])[{at + 1}]::{column.Type}"))} FROM unnest($2::text[]) key)";
        return (await Sql.ListAsync(
            connection,
            $"SELECT bucket_id::integer, {KeyArray(table)}::text, {Hash(table)} FROM {table.Sql} WHERE bucket_id = ANY($1){some}",
            rows => (rows.GetInt32(0), rows.GetString(1), rows.GetInt64(2)),
            cancel,
            table.Key.Count == 0 ? [suspects.Select(row => row.Bucket).Distinct().ToArray()] : [suspects.Select(row => row.Bucket).Distinct().ToArray(), suspects.Select(row => row.Key).ToArray()])).ToDictionary(row => (row.Item1, row.Item2), row => (long?)row.Item3);
    }

    private static async Task<long> TotalAsync(Mover mover, CancellationToken cancel)
    {
        var total = 0L;
        foreach (var table in mover.Tables)
        {
            total += await Sql.ScalarAsync<long>(mover.Source, $"SELECT count(*) FROM {table.Sql} WHERE bucket_id = ANY($1)", cancel, mover.Buckets);
        }

        return total;
    }

    private static string Hash(ShardedTable table) => $"hashtextextended(ROW({table.ColumnList})::text, 0)";

    private static string KeyArray(ShardedTable table) => $"ARRAY[{string.Join(", ", table.Key.Select(column => Sql.Name(column.Name) + "::text"))}]::text[]";

    private static string KeyList(ShardedTable table) => table.Key.Count == 0 ? ShardedTable.BucketColumn : string.Join(", ", table.Key.Select(column => Sql.Name(column.Name)));

    // Bounds are texts, read as their column's types; parameters after the bucket's.
    private static string Bounds(ShardedTable table, string[]? after, string[]? last)
    {
        var place = 2;
        return Bound(">", after) + Bound("<=", last);

        string Bound(string comparison, string[]? values) => values is null || table.Key.Count == 0
            ? ""
            : $" AND ({KeyList(table)}) {comparison} ({string.Join(", ", table.Key.Select(column => $"(${place++}::text)::{column.Type}"))})";
    }

    private static (int Table, int Bucket) Parse(string progress) =>
        progress.Split('/') is [var table, var bucket] ? (int.Parse(table, CultureInfo.InvariantCulture), int.Parse(bucket, CultureInfo.InvariantCulture)) : (0, 0);

    private static ShardException Differ(Mover mover, IReadOnlyList<SuspectRow> rows) => new(
        ShardFailure.Move,
        $"move {mover.Move.Id}: {rows.Count} rows differ between database {mover.Move.Source} and {mover.Move.Target}, the first in table {rows[0].Table.Sql}, bucket {rows[0].Bucket}, key {rows[0].Key}; nothing was switched: abandon the move (clean) and find out what else writes to the target");
}

/// <summary>A row that was not the same on both sides when it was last looked at.</summary>
internal sealed record SuspectRow(ShardedTable Table, int Bucket, string Key);
