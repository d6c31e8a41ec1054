using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tenfold.Load.Scenarios;

/// <summary>
/// A path to one value of a JSON text: <c>data.0.id</c>, <c>$.data[0].id</c>, <c>data["a.b"]</c>. A number picks the item of
/// an array, counted from 0, or the member of that name of an object. No wildcards, filters or negative indexes.
/// Immutable; thread-safe.
/// </summary>
internal sealed class JsonPath
{
    private static readonly SearchValues<char> Reserved = SearchValues.Create("*?()@ ]");

    private readonly string _text;
    private readonly Segment[] _segments;

    private JsonPath(string text, Segment[] segments) => (_text, _segments) = (text, segments);

    /// <summary>Reads a path; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out JsonPath? path, [NotNullWhen(false)] out string? error)
    {
        path = null;
        var segments = new List<Segment>();
        var rest = text.StartsWith('$') ? text.AsSpan(1) : text;
        var first = !text.StartsWith('$');
        while (!rest.IsEmpty)
        {
            if (!TryTakeSegment(ref rest, first, out var name, out error))
            {
                return false;
            }

            segments.Add(new Segment(Encoding.UTF8.GetBytes(name), int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1));
            first = false;
        }

        if (text.Length == 0)
        {
            error = "a JSON path is empty; '$' is the whole answer";
            return false;
        }

        (path, error) = (new JsonPath(text, [.. segments]), null);
        return true;
    }

    /// <summary>Copies the value's raw JSON (a string without its quotes and escapes) to <paramref name="target"/>.</summary>
    /// <returns>False when the text is not JSON, or has no such value.</returns>
    public bool TryRead(ReadOnlySpan<byte> json, VariableSlot target)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { AllowTrailingCommas = false, MaxDepth = 256 });
        try
        {
            if (!reader.Read())
            {
                return false;
            }

            foreach (var segment in _segments)
            {
                if (!Enter(ref reader, segment))
                {
                    return false;
                }
            }

            if (reader.TokenType == JsonTokenType.String)
            {
                target.SetString(ref reader);
                return true;
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            target.SetRaw(json[start..(int)reader.BytesConsumed]);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public override string ToString() => _text;

    private static bool TryTakeSegment(ref ReadOnlySpan<char> rest, bool first, out string name, [NotNullWhen(false)] out string? error)
    {
        (name, error) = ("", null);
        if (rest[0] == '[')
        {
            var quote = rest.Length > 1 && rest[1] is '"' or '\'' ? rest[1] : '\0';
            var close = quote == '\0' ? rest.IndexOf(']') : rest[2..].IndexOf([quote, ']']) + 2;
            if (close < (quote == '\0' ? 1 : 2))
            {
                error = "'[' without its ']'";
                return false;
            }

            name = (quote == '\0' ? rest[1..close] : rest[2..close]).ToString();
            rest = rest[(close + (quote == '\0' ? 1 : 2))..];
            if (quote == '\0' && !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                error = $"'[{name}]' is not an index from 0; a name in brackets has quotes";
                return false;
            }

            return true;
        }

        if (!first)
        {
            if (rest[0] != '.')
            {
                error = $"'.' or '[' expected before '{rest}'";
                return false;
            }

            rest = rest[1..];
        }

        var end = rest.IndexOfAny('.', '[');
        name = (end < 0 ? rest : rest[..end]).ToString();
        rest = end < 0 ? default : rest[end..];
        if (name.Length == 0 || name.AsSpan().IndexOfAny(Reserved) >= 0)
        {
            error = name.Length == 0 ? "a name is missing" : $"'{name}' is not a name or an index; wildcards and filters are not supported";
            return false;
        }

        return true;
    }

    private static bool Enter(ref Utf8JsonReader reader, Segment segment)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var found = reader.ValueTextEquals(segment.Name);
                reader.Read();
                if (found)
                {
                    return true;
                }

                reader.Skip();
            }

            return false;
        }

        if (reader.TokenType != JsonTokenType.StartArray || segment.Index < 0)
        {
            return false;
        }

        for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
        {
            if (i == segment.Index)
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    private readonly record struct Segment(byte[] Name, int Index);
}
