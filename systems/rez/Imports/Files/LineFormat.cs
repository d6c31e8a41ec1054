using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Commons.Http;

namespace Rez.Imports.Files;

/// <summary>How a product stands on a line. Not thread-safe: one a file.</summary>
internal abstract class LineFormat
{
    /// <summary>What the database calls it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether a record may hold line breaks in quotes.</summary>
    public abstract bool Quotes { get; }

    /// <summary>The format of a Content-Type; null when it is neither of them, or not in UTF-8.</summary>
    public static LineFormat? Of(string? contentType)
    {
        if (!Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(contentType, out var type) || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        return type.MediaType.Value?.ToLowerInvariant() switch
        {
            "text/csv" => new CsvFormat(),
            "application/x-ndjson" or "application/ndjson" or "application/jsonl" => new NdjsonFormat(),
            _ => null,
        };
    }

    /// <summary>Reads a record.</summary>
    /// <param name="record">Its bytes, not empty.</param>
    /// <param name="product">The product; null when the record is wrong, or is none.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    /// <exception cref="ImportFileException">The record is the file's header, and wrong.</exception>
    public string? Read(ReadOnlySpan<byte> record, out ImportedProduct? product)
    {
        product = null;
        return Utf8.IsValid(record) ? ReadText(record, out product) : "is not UTF-8";
    }

    protected abstract string? ReadText(ReadOnlySpan<byte> record, out ImportedProduct? product);
}

/// <summary>One JSON object a line, with the fields of <see cref="ImportedProduct"/>.</summary>
internal sealed class NdjsonFormat : LineFormat
{
    public override string Name => "ndjson";

    public override bool Quotes => false;

    protected override string? ReadText(ReadOnlySpan<byte> record, out ImportedProduct? product)
    {
        product = null;
        try
        {
            product = JsonSerializer.Deserialize(record, RezJson.Default.ImportedProduct);
        }
        catch (JsonException wrong)
        {
            var (field, message) = JsonProblem.Describe(wrong, ofOneLine: true);
            return field == JsonProblem.Whole ? message : $"{field}: {message}";
        }

        var problem = product is null ? "is null; write an object" : product.Problem();
        product = problem is null ? product : null;
        return problem;
    }
}

/// <summary>CSV with a header that names the columns: the fields of <see cref="ImportedProduct"/> in any order, without those that are not to be set.</summary>
internal sealed class CsvFormat : LineFormat
{
    private static readonly (string Name, Func<ImportedProduct, string, string?> Set)[] Known =
    [
        ("sku", static (product, text) => Nothing(product.Sku = text)),
        ("name", static (product, text) => Nothing(product.Name = text)),
        ("brand", static (product, text) => Nothing(product.Brand = text)),
        ("description", static (product, text) => Nothing(product.Description = text)),
        ("price", static (product, text) => CsvValues.Price(text) is { } value ? Nothing(product.Price = value) : Must(text, "a number such as 12.50")),
        ("categoryId", static (product, text) => CsvValues.Number(text) is { } value ? Nothing(product.CategoryId = value) : Must(text, "the id of a category")),
        ("storeId", static (product, text) => CsvValues.Number(text) is { } value ? Nothing(product.StoreId = value) : Must(text, "the id of a store")),
        ("isActive", static (product, text) => CsvValues.Boolean(text) is { } value ? Nothing(product.IsActive = value) : Must(text, "true or false")),
        ("isFeatured", static (product, text) => CsvValues.Boolean(text) is { } value ? Nothing(product.IsFeatured = value) : Must(text, "true or false")),
    ];

    private readonly List<string?> _fields = [];
    private int[]? _columns; // index into Known, by place

    public override string Name => "csv";

    public override bool Quotes => true;

    protected override string? ReadText(ReadOnlySpan<byte> record, out ImportedProduct? product)
    {
        product = null;
        if (_columns is null)
        {
            _columns = ReadHeader(record);
            return null;
        }

        if (CsvFields.Read(record, _fields) is { } malformed)
        {
            return malformed;
        }

        if (_fields.Count != _columns.Length)
        {
            return $"has {_fields.Count} fields; the header has {_columns.Length}";
        }

        var row = new ImportedProduct();
        StringBuilder? wrong = null;
        for (var i = 0; i < _columns.Length; i++)
        {
            var (name, set) = Known[_columns[i]];
            if (_fields[i] is { } text && set(row, text) is { } problem)
            {
                wrong = (wrong?.Append("; ") ?? new StringBuilder()).Append(name).Append(": ").Append(problem);
            }
        }

        if ((wrong?.ToString() ?? row.Problem()) is { } found)
        {
            return found;
        }

        product = row;
        return null;
    }

    private int[] ReadHeader(ReadOnlySpan<byte> record)
    {
        record = record.StartsWith("\uFEFF"u8) ? record["\uFEFF"u8.Length..] : record;
        if (CsvFields.Read(record, _fields) is { } malformed)
        {
            throw Wrong(malformed);
        }

        var columns = new List<int>();
        foreach (var field in _fields)
        {
            var column = Array.FindIndex(Known, known => known.Name.Equals(field?.Trim(), StringComparison.OrdinalIgnoreCase));
            if (column < 0)
            {
                throw Wrong($"'{Shorten(field ?? "")}' is not a column; known are {string.Join(", ", Known.Select(known => known.Name))}, separated by commas");
            }

            if (columns.Contains(column))
            {
                throw Wrong($"the column {Known[column].Name} is there twice");
            }

            columns.Add(column);
        }

        return columns.Contains(0) ? [.. columns] : throw Wrong("the column sku is missing; it is your own key of each product");

        static ImportFileException Wrong(string message) => new(400, "line 1, the header: " + message);
    }

    /// <summary>Nothing is wrong: the value is set.</summary>
    private static string? Nothing<T>(T set) => null;

    private static string Must(string text, string rule) => $"is '{Shorten(text)}'; it must be {rule}";

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
