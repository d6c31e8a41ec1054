using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>A query that every database answers for its own buckets.</summary>
/// <typeparam name="T">A row.</typeparam>
public sealed record ScatterQuery<T>
{
    /// <summary>Most rows that a page may have.</summary>
    public const int Largest = 10_000;

    /// <summary>
    /// The statement. <c>$1</c> is the array of buckets that the database is asked for (<c>WHERE bucket_id = ANY($1)</c>: during a
    /// move, rows of a bucket are in two databases), <c>$2</c> the limit (<c>LIMIT $2</c>); further parameters follow from <c>$3</c> on.
    /// </summary>
    public required string Sql { get; init; }

    /// <summary>Values of <c>$3</c>, <c>$4</c> and so on: a keyset cursor (the last row of the page before), filters.</summary>
    public IReadOnlyList<object> Values { get; init; } = [];

    /// <summary>Reads the row that the reader is at.</summary>
    public required Func<NpgsqlDataReader, T> Read { get; init; }

    /// <summary>
    /// The order of the statement's ORDER BY, as code: a total order, so with an id last, if pages are to follow each other without
    /// gaps. Texts compare by <see cref="StringComparer.Ordinal"/> where the collation is C. Null: rows come by database.
    /// </summary>
    public IComparer<T>? Order { get; init; }

    /// <summary>Rows of the page, from 1 to <see cref="Largest"/>.</summary>
    public required int Limit { get; init; }
}

/// <summary>A page of rows of all databases.</summary>
/// <param name="Rows">In order, at most as many as asked for.</param>
/// <param name="More">Whether there are further rows after them.</param>
public sealed record ScatterPage<T>(IReadOnlyList<T> Rows, bool More);

/// <summary>What one database is asked for, and on whose behalf.</summary>
internal sealed record ScatterTarget(ShardDatabase Database, IReadOnlyList<int> Buckets, Caller? Caller);

/// <summary>Asks several databases and merges what they answer.</summary>
internal static class Scatter
{
    public static async Task<ScatterPage<T>> RunAsync<T>(
        ScatterQuery<T> query, IReadOnlyList<ScatterTarget> targets, ShardDatabases databases, int fanOut, CancellationToken cancel)
    {
        Check(query);
        var answers = new List<T>[targets.Count];
        await Parallel.ForAsync(0, targets.Count, new ParallelOptions { MaxDegreeOfParallelism = fanOut, CancellationToken = cancel }, async (at, token) =>
        {
            var (database, buckets, caller) = targets[at];
            answers[at] = buckets.Count == 0 ? [] : await AskAsync(query, databases.Of(database), [.. buckets], caller, token);
        });
        return Merge(answers, query.Order, query.Limit);
    }

    /// <summary>The first rows of all lists together; each is in order already.</summary>
    internal static ScatterPage<T> Merge<T>(IReadOnlyList<IReadOnlyList<T>> lists, IComparer<T>? order, int limit)
    {
        var rows = new List<T>(Math.Min(limit, lists.Sum(list => list.Count)));
        var next = new PriorityQueue<int, (T Row, int List)>(Comparer<(T Row, int List)>.Create((left, right) =>
            (order?.Compare(left.Row, right.Row) ?? 0) is not 0 and var compared ? compared : left.List.CompareTo(right.List)));
        var places = new int[lists.Count];
        for (var list = 0; list < lists.Count; list++)
        {
            Enqueue(list);
        }

        while (rows.Count < limit && next.TryDequeue(out var list, out var first))
        {
            rows.Add(first.Row);
            places[list]++;
            Enqueue(list);
        }

        return new ScatterPage<T>(rows, next.Count > 0);

        void Enqueue(int list)
        {
            if (places[list] < lists[list].Count)
            {
                next.Enqueue(list, (lists[list][places[list]], list));
            }
        }
    }

    private static void Check<T>(ScatterQuery<T> query)
    {
        if (query.Limit is < 1 or > ScatterQuery<T>.Largest)
        {
            throw new ArgumentException($"a page has between 1 and {ScatterQuery<T>.Largest} rows, not {query.Limit}", nameof(query));
        }

        foreach (var parameter in (string[])["$1", "$2"])
        {
            if (!query.Sql.Contains(parameter, StringComparison.Ordinal))
            {
                throw new ArgumentException($"the statement does not use {parameter} ({(parameter == "$1" ? "the buckets: WHERE bucket_id = ANY($1); without it, rows of a bucket that is being moved come twice" : "the limit: LIMIT $2")})", nameof(query));
            }
        }
    }

    private static async Task<List<T>> AskAsync<T>(ScatterQuery<T> query, PostgresStore store, int[] buckets, Caller? caller, CancellationToken cancel)
    {
        await using var connection = await store.OpenReaderAsync(caller, cancel);
        await using var command = Sql.Command(connection, query.Sql, [buckets, query.Limit + 1, .. query.Values]);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel))
        {
            var row = query.Read(reader);
            if (query.Order is not null && rows.Count > 0 && query.Order.Compare(rows[^1], row) > 0)
            {
                throw new InvalidOperationException($"store {store.Name} returned rows in another order than {nameof(ScatterQuery<T>.Order)} has: row {rows.Count + 1} belongs before the one that it follows; make ORDER BY (and its collation) and the comparer agree");
            }

            rows.Add(row);
            if (rows.Count > query.Limit)
            {
                break; // one more than asked for tells that there are more
            }
        }

        return rows;
    }
}
