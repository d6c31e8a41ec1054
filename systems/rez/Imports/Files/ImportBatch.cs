namespace Rez.Imports.Files;

/// <summary>A line that is wrong.</summary>
internal readonly record struct LineError(int Line, string Message);

/// <summary>Some lines of a file: what one transaction takes. Used again for the next ones.</summary>
internal sealed class ImportBatch
{
    /// <summary>Most products of a batch.</summary>
    public const int Most = 1000;

    /// <summary>A batch is full from so many characters on.</summary>
    private const int Full = 1 << 20;

    private long _characters;

    public List<(int Line, ImportedProduct Product)> Products { get; } = [];

    /// <summary>Wrong lines: the first of the file, up to <see cref="ImportReader.MostErrors"/> in all.</summary>
    public List<LineError> Errors { get; } = [];

    /// <summary>How many lines were wrong, kept or not.</summary>
    public int Wrong { get; set; }

    public bool IsFull => Products.Count >= Most || _characters >= Full;

    public bool IsEmpty => Products.Count == 0 && Wrong == 0;

    public void Add(int line, ImportedProduct product)
    {
        Products.Add((line, product));
        _characters += product.Sku!.Length + (product.Name?.Length ?? 0) + (product.Brand?.Length ?? 0) + (product.Description?.Length ?? 0);
    }

    public void Clear()
    {
        Products.Clear();
        Errors.Clear();
        (Wrong, _characters) = (0, 0);
    }
}
