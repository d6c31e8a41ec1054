using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class QueryRules
{
    private const int Longest = 500;

    public static void Check(string path, Store store, Findings findings)
    {
        if (store.Engine == StoreEngine.Redis || store.Queries.Count == 0)
        {
            return;
        }

        if (store.Schema is null && !findings.IsWritten($"{path[..^".queries".Length]}.schema"))
        {
            findings.Add(path, "are looked at in the tables that schema makes, and there is none; give schema, or remove them");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < store.Queries.Count; i++)
        {
            var (query, item) = (store.Queries[i], $"{path}[{i}]");
            PartitionRules.Name($"{item}.table", query.Table, 2, findings);
            Texts($"{item}.where", query.Where, findings);
            Texts($"{item}.order", query.Order, findings);
            if (query.Where.Count + query.Order.Count == 0 && findings.IsReadable($"{item}.where") && findings.IsReadable($"{item}.order"))
            {
                findings.Add(item, $"reads all of {query.Table}, which no index serves; give where or order, or remove it");
            }

            if (!seen.Add(query.ToString()))
            {
                findings.Add(item, "is given twice");
            }
        }
    }

    private static void Texts(string path, IReadOnlyList<string> texts, Findings findings)
    {
        for (var i = 0; i < texts.Count; i++)
        {
            if (findings.IsReadable($"{path}[{i}]") && (string.IsNullOrWhiteSpace(texts[i]) || texts[i].Length > Longest || texts[i].AsSpan().ContainsAny("\0\r\n;")))
            {
                findings.Add($"{path}[{i}]", $"'{texts[i]}' is no condition or column: one line of SQL without ';', of 1 to {Longest} letters");
            }
        }
    }
}
