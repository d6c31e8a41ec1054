using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>A table that a plan reads whole.</summary>
/// <param name="Table">With its schema.</param>
/// <param name="Filter">What the rows are filtered by while they are read; empty for nothing.</param>
internal sealed record SequentialScan(string Table, string Filter);

/// <summary>PostgreSQL's plan for a query, and what can be said of it.</summary>
/// <param name="Text">Node types, outermost first, with tables, indexes and costs.</param>
/// <param name="Scans">Tables that are read whole.</param>
internal sealed partial record QueryPlan(string Text, IReadOnlyList<SequentialScan> Scans)
{
    /// <summary>
    /// Asks for the plan that fits any parameters, without running the query: PREPARE, then EXPLAIN EXECUTE with NULLs under
    /// <c>plan_cache_mode = force_generic_plan</c>, in a transaction that is rolled back.
    /// </summary>
    /// <exception cref="PostgresException">PostgreSQL cannot plan it, such as a parameter whose type nothing tells.</exception>
    public static async Task<QueryPlan> AskAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await RunAsync("SET LOCAL plan_cache_mode = force_generic_plan");
        await RunAsync("PREPARE tenfold_explain AS " + sql.TrimEnd().TrimEnd(';'));
        try
        {
            var nulls = string.Join(", ", Enumerable.Repeat("NULL", QueryText.Parameters(sql)));
            await using var explain = new NpgsqlCommand($"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE tenfold_explain{(nulls.Length > 0 ? $"({nulls})" : "")}", connection);
            return Read((string)(await explain.ExecuteScalarAsync(cancel))!);
        }
        finally
        {
            await RunAsync("DEALLOCATE tenfold_explain"); // it would outlive the transaction
        }

        async Task RunAsync(string command)
        {
            await using var run = new NpgsqlCommand(command, connection);
            await run.ExecuteNonQueryAsync(cancel);
        }
    }

    /// <summary>
    /// Runs the query again with these parameters and asks what it did: EXPLAIN ANALYZE in a read-only transaction that is rolled
    /// back. A write is refused by PostgreSQL.
    /// </summary>
    /// <exception cref="PostgresException">PostgreSQL refuses it, or it took longer than the statement timeout.</exception>
    public static async Task<QueryPlan> AnalyzeAsync(NpgsqlConnection connection, string sql, object[] values, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using var readOnly = new NpgsqlCommand("SET TRANSACTION READ ONLY", connection);
        await readOnly.ExecuteNonQueryAsync(cancel);
        await using var explain = new NpgsqlCommand("EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) " + sql, connection);
        foreach (var value in values)
        {
            explain.Parameters.Add(new NpgsqlParameter { Value = value is "NULL" ? DBNull.Value : value });
        }

        return Read((string)(await explain.ExecuteScalarAsync(cancel))!);
    }

    /// <summary>A sentence for each table of more rows than this that is read whole, with the index that would serve.</summary>
    public async Task<IReadOnlyList<string>> AdviseAsync(NpgsqlConnection connection, long rows, CancellationToken cancel)
    {
        var advice = new List<string>();
        foreach (var scan in Scans)
        {
            await using var command = new NpgsqlCommand("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", connection) { Parameters = { new() { Value = scan.Table } } };
            if (await command.ExecuteScalarAsync(cancel) is long has && has > rows) // as of the last ANALYZE; -1 when there was none
            {
                advice.Add($"Reads all {has:#,0} rows of {scan.Table}{(scan.Filter.Length > 0 ? $" for {scan.Filter}" : "")}. {(IndexFor(scan) is { } index ? $"This index would serve it: {index};" : "No single index would serve it.")}");
            }
        }

        return advice;
    }

    /// <summary>Reads what EXPLAIN (FORMAT JSON, VERBOSE) says.</summary>
    public static QueryPlan Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var (nodes, scans) = (new List<string>(), new List<SequentialScan>());
        Walk(document.RootElement[0].GetProperty("Plan"), nodes, scans);
        return new QueryPlan(string.Join(" → ", nodes), scans);
    }

    /// <summary>
    /// The index that would serve a filter: columns that must be equal first, then one that is compared. Null when no condition
    /// of the filter is one that an index on a column serves.
    /// </summary>
    public static string? IndexFor(SequentialScan scan)
    {
        var (equal, range) = (new List<string>(), (string?)null);
        foreach (Match condition in Condition().Matches(scan.Filter))
        {
            var column = condition.Groups["column"].Value;
            if (condition.Groups["operator"].Value is "=")
            {
                equal.Add(column);
            }
            else
            {
                range ??= column;
            }
        }

        // Conditions beside an OR need an index each, which is for a person to weigh.
        string[] columns = [.. equal.Distinct(StringComparer.Ordinal), .. range is null || equal.Contains(range) ? Array.Empty<string>() : [range]];
        return columns.Length == 0 || scan.Filter.Contains(" OR ", StringComparison.Ordinal) ? null : $"CREATE INDEX CONCURRENTLY ON {scan.Table} ({string.Join(", ", columns)})";
    }

    private static void Walk(JsonElement node, List<string> nodes, List<SequentialScan> scans)
    {
        var type = node.GetProperty("Node Type").GetString()!;
        var table = Value(node, "Relation Name") is { Length: > 0 } relation ? $"{Value(node, "Schema")}.{relation}" : "";
        nodes.Add($"{type}{(table.Length > 0 ? $" on {table}" : "")}{(Value(node, "Index Name") is { Length: > 0 } index ? $" using {index}" : "")} (cost {node.GetProperty("Total Cost").GetDouble():0}, {node.GetProperty("Plan Rows").GetDouble():0} rows{Actual(node)})");
        if (type == "Seq Scan" && table.Length > 0)
        {
            scans.Add(new SequentialScan(table, Value(node, "Filter")));
        }

        if (node.TryGetProperty("Plans", out var below))
        {
            foreach (var child in below.EnumerateArray())
            {
                Walk(child, nodes, scans);
            }
        }
    }

    // Only of a query that was run again.
    private static string Actual(JsonElement node) => node.TryGetProperty("Actual Total Time", out var took)
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"; took {took.GetDouble() * node.GetProperty("Actual Loops").GetDouble():0.0} ms, {node.GetProperty("Actual Rows").GetDouble() * node.GetProperty("Actual Loops").GetDouble():0} rows, {node.GetProperty("Shared Hit Blocks").GetInt64() + node.GetProperty("Shared Read Blocks").GetInt64()} blocks")
        : "";

    private static string Value(JsonElement node, string name) => node.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    // "(products.brand = $1)", "((p.price)::numeric >= '10'::numeric)": a column, perhaps cast, against something that is no column of the table.
    [GeneratedRegex(@"\(+(?:\w+\.)?(?<column>[a-z_]\w*)\)?(?:::[\w ]+)? (?<operator>=|>=|<=|>|<) (?!\(?\w+\.\w)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Condition();
}
