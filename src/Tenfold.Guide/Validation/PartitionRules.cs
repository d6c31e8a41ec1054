using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class PartitionRules
{
    private const int LongestName = 63; // PostgreSQL's

    public static void Check(string path, SystemGuide guide, Store store, Findings findings)
    {
        if (store.Engine == StoreEngine.Redis || store.Partitions.Count == 0)
        {
            return;
        }

        if (guide.Services.Count > 0 && guide.Services.Values.All(service => service.Project is null))
        {
            findings.Add(path, "are kept by the instances of .NET services with AddTenfold(), and no service has a project; remove them");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < store.Partitions.Count; i++)
        {
            var (table, item) = (store.Partitions[i], $"{path}[{i}]");
            Name($"{item}.table", table.Table, 2, findings);
            Name($"{item}.by", table.By, 1, findings);
            if (!seen.Add(table.Table.StartsWith("public.", StringComparison.Ordinal) ? table.Table["public.".Length..] : table.Table))
            {
                findings.Add($"{item}.table", $"the table {table.Table} is given twice");
            }

            if (table.Archive is not null && !findings.IsWritten($"{item}.keep"))
            {
                findings.Add($"{item}.archive", "is for what is dropped, and nothing is without keep; add keep, or remove it");
            }
        }
    }

    public static void Name(string path, string name, int mostParts, Findings findings)
    {
        var parts = name.Split('.');
        if (findings.IsReadable(path) && (parts.Length > mostParts || Array.Exists(parts, part => part.Length is 0 or > LongestName || part.AsSpan().ContainsAny("\0\r\n"))))
        {
            findings.Add(path, $"'{name}' is no name of a {(mostParts > 1 ? "table (NAME or SCHEMA.NAME)" : "column")}, of 1 to {LongestName} letters");
        }
    }
}
