using System.Text;

namespace Tenfold.Load.Data;

/// <summary>Rows that users take values from. Immutable; thread-safe.</summary>
public sealed class DataTable
{
    /// <summary>Most rows of a table.</summary>
    public const int MostRows = 1_000_000;

    private readonly string[] _columns;
    private readonly byte[][][] _rows;

    private DataTable(string[] columns, byte[][][] rows) => (_columns, _rows) = (columns, rows);

    /// <summary>Names of the columns.</summary>
    public IReadOnlyList<string> Columns => _columns;

    public int Rows => _rows.Length;

    /// <summary>Reads CSV (RFC 4180) whose first record names the columns.</summary>
    /// <param name="csv">The text.</param>
    /// <param name="source">For messages: the file, or the command.</param>
    /// <exception cref="LoadException">A record has another number of fields, a quote does not end, a name is missing or there twice, there is no row or there are more than <see cref="MostRows"/>.</exception>
    public static DataTable Parse(TextReader csv, string source)
    {
        ArgumentNullException.ThrowIfNull(csv);
        string[]? columns = null;
        var rows = new List<byte[][]>();
        foreach (var (line, fields) in CsvRecords.Read(csv, source))
        {
            if (columns is null)
            {
                columns = [.. fields.Select(field => field.Trim())];
                if (columns.FirstOrDefault(name => name.Length == 0 || columns.Count(other => other == name) > 1) is { } wrong)
                {
                    throw new LoadException(LoadFault.Usage, $"{source}: the first line must name each column once; found '{wrong}' in: {string.Join(",", columns)}");
                }
            }
            else if (fields.Count != columns.Length)
            {
                throw new LoadException(LoadFault.Usage, $"{source}:{line}: has {fields.Count} fields; the first line names {columns.Length} columns ({string.Join(",", columns)})");
            }
            else if (rows.Count == MostRows)
            {
                throw new LoadException(LoadFault.Usage, $"{source}: has more than {MostRows:N0} rows");
            }
            else
            {
                rows.Add([.. fields.Select(Encoding.UTF8.GetBytes)]);
            }
        }

        return rows.Count > 0 ? new DataTable(columns!, [.. rows]) : throw new LoadException(LoadFault.Usage, $"{source}: has no rows; the first line names the columns, the others are rows");
    }

    /// <summary>A user's value, UTF-8: user 1 has the first row, and after the last one comes the first again.</summary>
    internal ReadOnlySpan<byte> Value(long user, int column) => _rows[(user - 1) % _rows.Length][column];

    internal int IndexOf(string column) => Array.IndexOf(_columns, column);
}
