namespace Tenfold.Cli.Output;

/// <summary>Columns of plain text, as wide as their longest cell; the last one is not padded.</summary>
internal sealed class TextTable(IReadOnlyList<string> columns)
{
    private readonly List<string[]> _rows = [[.. columns]];

    public void Add(params ReadOnlySpan<string> cells) => _rows.Add(cells.ToArray());

    public void Write(TextWriter to)
    {
        var widths = Enumerable.Range(0, columns.Count).Select(i => _rows.Max(row => row[i].Length)).ToArray();
        foreach (var row in _rows)
        {
            to.WriteLine(string.Join("  ", row.Select((cell, i) => i == row.Length - 1 ? cell : cell.PadRight(widths[i]))).TrimEnd());
        }
    }
}
