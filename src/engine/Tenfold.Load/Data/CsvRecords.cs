using System.Text;

namespace Tenfold.Load.Data;

/// <summary>Records of CSV as RFC 4180 has it: fields by comma, in double quotes where they hold one, a quote (doubled) or a line end.</summary>
internal static class CsvRecords
{
    private const int LongestField = 64 << 10; // characters

    /// <summary>Record by record with the line it begins on, from 1. Empty lines are left out.</summary>
    /// <exception cref="LoadException">A quote that does not end or does not begin or end a field, or a field that is too long.</exception>
    public static IEnumerable<(int Line, List<string> Fields)> Read(TextReader csv, string source)
    {
        var line = 1;
        while (csv.Peek() >= 0)
        {
            var (began, fields) = (line, new List<string>());
            while (true)
            {
                fields.Add(csv.Peek() == '"' ? Quoted(csv, source, began, ref line) : Plain(csv, source, began));
                if (csv.Peek() != ',')
                {
                    break;
                }

                _ = csv.Read();
            }

            EndLine(csv, source, began);
            line++;
            if (fields is not [""])
            {
                yield return (began, fields);
            }
        }
    }

    private static string Plain(TextReader csv, string source, int line)
    {
        var field = new StringBuilder();
        while (csv.Peek() is >= 0 and not (',' or '\r' or '\n'))
        {
            Add(field, (char)csv.Read(), source, line);
        }

        return field.ToString();
    }

    private static string Quoted(TextReader csv, string source, int began, ref int line)
    {
        var field = new StringBuilder();
        _ = csv.Read();
        while (true)
        {
            switch (csv.Read())
            {
                case < 0:
                    throw new LoadException(LoadFault.Usage, $"{source}:{began}: a field in quotes does not end");
                case '"' when csv.Peek() != '"':
                    return field.ToString();
                case '"':
                    Add(field, (char)csv.Read(), source, began);
                    break;
                case var c:
                    line += c == '\n' ? 1 : 0;
                    Add(field, (char)c, source, began);
                    break;
            }
        }
    }

    private static void EndLine(TextReader csv, string source, int line)
    {
        var next = csv.Read();
        if (next == '\r' && csv.Peek() == '\n')
        {
            _ = csv.Read();
        }
        else if (next is >= 0 and not ('\r' or '\n'))
        {
            throw new LoadException(LoadFault.Usage, $"{source}:{line}: '{(char)next}' after a field in quotes; a comma or the end of the line belongs there");
        }
    }

    private static void Add(StringBuilder field, char c, string source, int line)
    {
        if (field.Length == LongestField)
        {
            throw new LoadException(LoadFault.Usage, $"{source}:{line}: a field has more than {LongestField:N0} characters");
        }

        field.Append(c);
    }
}
