using System.Text;

namespace Rez.Imports.Files;

/// <summary>The fields of one CSV record (RFC 4180).</summary>
internal static class CsvFields
{
    /// <summary>Reads a record that <see cref="RecordSplitter"/> has found.</summary>
    /// <param name="record">Its bytes, valid UTF-8.</param>
    /// <param name="fields">Gets the fields; an empty one without quotes is null (nothing is said), with quotes it is the empty text.</param>
    /// <returns>What is wrong with it; null when it is right.</returns>
    public static string? Read(ReadOnlySpan<byte> record, List<string?> fields)
    {
        fields.Clear();
        while (true)
        {
            int end;
            if (record.Length > 0 && record[0] == '"')
            {
                if (ReadQuoted(record, fields, out end) is { } wrong)
                {
                    return wrong;
                }
            }
            else
            {
                end = record.IndexOf((byte)',') is >= 0 and var comma ? comma : record.Length;
                var plain = record[..end];
                if (plain.Contains((byte)'"'))
                {
                    return $"field {fields.Count + 1}: has a quote, but does not begin with one; write \"5\"\" pipe\" for 5\" pipe";
                }

                if (plain.Contains((byte)'\r'))
                {
                    return $"field {fields.Count + 1}: has a carriage return; quote the field";
                }

                fields.Add(plain.IsEmpty ? null : Encoding.UTF8.GetString(plain));
            }

            if (end == record.Length)
            {
                return null;
            }

            record = record[(end + 1)..];
        }
    }

    private static string? ReadQuoted(ReadOnlySpan<byte> record, List<string?> fields, out int end)
    {
        var doubled = false;
        end = 1;
        while (true)
        {
            var quote = record[end..].IndexOf((byte)'"');
            if (quote < 0)
            {
                return $"field {fields.Count + 1}: the quoted field does not end";
            }

            end += quote + 1;
            if (end == record.Length || record[end] != '"')
            {
                break;
            }

            doubled = true;
            end++;
        }

        if (end < record.Length && record[end] != ',')
        {
            return $"field {fields.Count + 1}: something follows its closing quote; double a quote within a field";
        }

        var text = Encoding.UTF8.GetString(record[1..(end - 1)]);
        fields.Add(doubled ? text.Replace("\"\"", "\"", StringComparison.Ordinal) : text);
        return null;
    }
}
