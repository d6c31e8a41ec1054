using System.Text;
using System.Text.RegularExpressions;
using Tenfold.Guide;

namespace Tenfold.Runtime.Queries;

/// <summary>The SQL of a query's shape. Pure.</summary>
internal static partial class ShapeSql
{
    /// <summary>A query of this shape, with <c>$1</c>, <c>$2</c> … for the values.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="booleans">The table's boolean columns.</param>
    public static (string Text, int Parameters) Of(QueryShape shape, IReadOnlySet<string> booleans)
    {
        var (sql, number) = (new StringBuilder("SELECT * FROM ").Append(Quote(shape.Table)), 0);
        for (var i = 0; i < shape.Where.Count; i++)
        {
            sql.Append(i == 0 ? " WHERE (" : " AND (");
            var condition = shape.Where[i].Trim();
            if (!IsColumn(condition))
            {
                AppendNumbered(sql, condition, ref number);
            }
            else if (booleans.Contains(condition))
            {
                sql.Append(condition);
            }
            else
            {
                sql.Append(condition).Append(" = $").Append(++number);
            }

            sql.Append(')');
        }

        if (shape.Order.Count > 0)
        {
            sql.Append(" ORDER BY ").AppendJoin(", ", shape.Order).Append(" LIMIT 20");
        }

        return (sql.ToString(), number);
    }

    /// <summary>The index that a person would make for it: columns that are equal, then those of the order, else one that is compared. Null where that is not as simple.</summary>
    public static string? IndexFor(QueryShape shape, IReadOnlySet<string> booleans)
    {
        var (equal, range, only) = (new List<string>(), (string?)null, new List<string>());
        foreach (var condition in shape.Where.Select(condition => condition.Trim()))
        {
            if (IsColumn(condition))
            {
                (booleans.Contains(condition) ? only : equal).Add(condition);
            }
            else if (Compared().Match(condition) is { Success: true } match && range is null)
            {
                range = match.Groups["column"].Value;
            }
            else
            {
                return null;
            }
        }

        string[] ordered = [.. shape.Order.Select(column => column.Trim())];
        string[] columns = [.. equal, .. ordered.Length > 0 ? ordered : range is null ? Array.Empty<string>() : [range]];
        return columns.Length == 0 || (range is not null && ordered.Length > 0 && ordered[0].Split(' ')[0] != range)
            ? null
            : $"CREATE INDEX ON {shape.Table} ({string.Join(", ", columns)}){(only.Count > 0 ? $" WHERE {string.Join(" AND ", only)}" : "")}";
    }

    /// <summary>A table's name as PostgreSQL takes it literally.</summary>
    public static string Quote(string table) => string.Join('.', table.Split('.').Select(part => $"\"{part.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));

    public static bool IsColumn(string condition) => Column().IsMatch(condition);

    // "?" outside of quotes.
    private static void AppendNumbered(StringBuilder sql, string condition, ref int number)
    {
        var quote = '\0';
        foreach (var c in condition)
        {
            if (quote == '\0' && c == '?')
            {
                sql.Append('$').Append(++number);
                continue;
            }

            quote = quote == '\0' && c is '\'' or '"' ? c : c == quote ? '\0' : quote;
            sql.Append(c);
        }
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]*$", RegexOptions.None, 1000)]
    private static partial Regex Column();

    [GeneratedRegex(@"^(?<column>[a-z_][a-z0-9_]*) *(?:<|<=|>|>=) *\?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Compared();
}
