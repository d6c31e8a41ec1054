using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tenfold.Runtime.Queries;

/// <summary>An index of the table that is looked at.</summary>
/// <param name="Id">Its OID.</param>
/// <param name="Name">With its schema where that is needed.</param>
/// <param name="Method">btree, gin, …</param>
/// <param name="Keys">Its columns and expressions, as PostgreSQL writes them.</param>
internal sealed record TableIndex(uint Id, string Name, string Method, IReadOnlyList<string> Keys);

/// <summary>What PostgreSQL would do for a query, as far as it says whether an index serves it. Pure.</summary>
internal static partial class ShapePlan
{
    /// <summary>What keeps the plan from being served by one index; null when one serves it.</summary>
    /// <param name="json">EXPLAIN (FORMAT JSON).</param>
    /// <param name="table">The table's name, without its schema.</param>
    /// <param name="index">The only index that the table has now; null for any.</param>
    public static string? Problem(string json, string table, TableIndex? index)
    {
        using var document = JsonDocument.Parse(json);
        return Problem(document.RootElement[0].GetProperty("Plan"), table, index);
    }

    private static string? Problem(JsonElement node, string table, TableIndex? index)
    {
        var type = Value(node, "Node Type");
        if (type.Contains("Sort", StringComparison.Ordinal))
        {
            return $"sorts by {string.Join(", ", node.GetProperty("Sort Key").EnumerateArray().Select(key => key.GetString()))}";
        }

        if (Value(node, "Relation Name") == table && OfScan(node, type, index) is { } problem)
        {
            return problem;
        }

        if (type == "Bitmap Index Scan" && OfCondition(Value(node, "Index Cond"), index) is { } partly)
        {
            return partly;
        }

        return node.TryGetProperty("Plans", out var below) ? below.EnumerateArray().Select(child => Problem(child, table, index)).FirstOrDefault(found => found is not null) : null;
    }

    private static string? OfScan(JsonElement node, string type, TableIndex? index)
    {
        var (filter, condition, name) = (Value(node, "Filter"), Value(node, "Index Cond"), NameOf(node));
        return type switch
        {
            "Seq Scan" => $"reads the whole table{(filter.Length > 0 ? $" for {filter}" : "")}",
            "Index Scan" or "Index Only Scan" when filter.Length > 0 && condition.Length == 0 => $"reads all of {name} for {filter}",
            _ when filter.Length > 0 => $"reads rows in vain: filters {filter}{(name.Length > 0 ? $" out of what {name} finds" : "")}",
            _ => OfCondition(condition, index),
        };
    }

    // The index of a bitmap scan stands below it.
    private static string NameOf(JsonElement node) =>
        Value(node, "Index Name") is { Length: > 0 } name ? name : node.TryGetProperty("Plans", out var below) && below.GetArrayLength() == 1 ? NameOf(below[0]) : "";

    // PostgreSQL calls it a condition of a B-tree, too, when the columns before it are free, and then reads all of the index.
    private static string? OfCondition(string condition, TableIndex? index)
    {
        if (condition.Length == 0 || index is not { Method: "btree" })
        {
            return null;
        }

        var row = Row().Match(condition).Value;
        var isRange = false;
        var isOver = false;
        foreach (var key in index.Keys)
        {
            var isUsed = IsIn(key, condition);
            if (isUsed && (isOver || (isRange && !IsIn(key, row))))
            {
                return $"reads much of {index.Name}, whose columns before {key} have no value";
            }

            isOver |= !isUsed;
            isRange |= isUsed && !IsEqual(key, condition);
        }

        return null;
    }

    private static bool IsIn(string key, string text) => Regex.IsMatch(text, $@"(?<![\w.]){Regex.Escape(key)}(?!\w)", RegexOptions.None, TimeSpan.FromSeconds(1));

    private static bool IsEqual(string key, string condition) =>
        Regex.IsMatch(condition, $@"(?<![\w.]){Regex.Escape(key)}\)?(?:::[\w ""]+)? (?:= |IS NULL)", RegexOptions.None, TimeSpan.FromSeconds(1));

    private static string Value(JsonElement node, string name) => node.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    [GeneratedRegex(@"ROW\([^)]*\)", RegexOptions.None, 1000)]
    private static partial Regex Row();
}
