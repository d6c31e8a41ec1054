using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tenfold.Load.Data;

namespace Tenfold.Load.Scenarios;

/// <summary>What a template's values are written into, and so how they are escaped.</summary>
internal enum TemplatePlace
{
    /// <summary>Request target: bytes that may not stand in one are percent-encoded, all others are kept.</summary>
    Path,

    /// <summary>Header value: a control character is refused.</summary>
    Header,

    /// <summary>Inside a JSON string: escaped.</summary>
    JsonString,

    /// <summary>A JSON string that is one template and nothing else: the value keeps its type.</summary>
    JsonValue,
}

/// <summary>
/// Text with places <c>{{name}}</c>: a captured variable or a generator (<c>uuid</c>, <c>random FROM TO</c>,
/// <c>iteration</c>, <c>user</c>, <c>pick ONE|ANOTHER</c>), or a column of a table. Immutable; thread-safe.
/// </summary>
internal sealed class Template
{
    private readonly TemplatePlace _place;
    private readonly Part[] _parts;

    private Template(TemplatePlace place, Part[] parts) => (_place, _parts) = (place, parts);

    private enum PartKind
    {
        Literal,
        Variable,
        Uuid,
        Random,
        Iteration,
        User,
        Pick,
        Column,
    }

    /// <summary>Whether it has no places.</summary>
    public bool IsLiteral => _parts.All(p => p.Kind == PartKind.Literal);

    /// <summary>Whether it is a JSON string that is one place, which keeps its value's type: it writes its own quotes.</summary>
    public bool KeepsType => _place == TemplatePlace.JsonValue;

    /// <param name="text">The text.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="names">What may be named.</param>
    /// <param name="where">For the message: which step.</param>
    /// <exception cref="LoadException">An unknown name, or a place that does not end.</exception>
    public static Template Parse(string text, TemplatePlace place, ScenarioNames names, string where)
    {
        var parts = new List<Part>();
        var at = 0;
        while (true)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            AddLiteral(parts, open < 0 ? text[at..] : text[at..open], place);
            if (open < 0)
            {
                break;
            }

            var close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                throw new LoadException(LoadFault.Usage, $"{where}: '{{{{' without its '}}}}' in '{text}'");
            }

            parts.Add(ParsePlace(text[(open + 2)..close].Trim(), names, where));
            at = close + 2;
        }

        var whole = place == TemplatePlace.JsonString && parts.Count == 1 && parts[0].Kind != PartKind.Literal;
        return new Template(whole ? TemplatePlace.JsonValue : place, [.. parts]);
    }

    /// <summary>The text with its places in words, for a route's name: <c>/products/{id}</c>.</summary>
    public static string Outline(string text)
    {
        var outline = new StringBuilder();
        var at = 0;
        while (text.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var open && text.IndexOf("}}", open, StringComparison.Ordinal) is >= 0 and var close)
        {
            outline.Append(text, at, open - at).Append('{').Append(text[(open + 2)..close].Trim().Split(' ')[0]).Append('}');
            at = close + 2;
        }

        return outline.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>Writes it with this user's values.</summary>
    /// <returns>False when a variable is not set or holds what may not stand here.</returns>
    public bool TryRender(ByteBuffer target, TemplateValues values)
    {
        foreach (var part in _parts)
        {
            switch (part.Kind)
            {
                case PartKind.Literal:
                    target.Add(part.Bytes);
                    break;
                case PartKind.Uuid when _place == TemplatePlace.JsonValue:
                    target.Add((byte)'"');
                    target.Add(values.Random.NextUuid());
                    target.Add((byte)'"');
                    break;
                case PartKind.Uuid:
                    target.Add(values.Random.NextUuid());
                    break;
                case PartKind.Random:
                    target.Add(values.Random.Between(part.From, part.To));
                    break;
                case PartKind.Iteration:
                    target.Add(values.Iteration);
                    break;
                case PartKind.User:
                    target.Add(values.User);
                    break;
                case PartKind.Pick when !TryAddText(target, part.Choices[values.Random.Between(0, part.Choices.Length - 1)]):
                case PartKind.Column when !TryAddText(target, part.Table!.Value(values.User, (int)part.From)):
                case PartKind.Variable when !TryAdd(target, values.Variables[(int)part.From]):
                    return false;
                default:
                    break;
            }
        }

        return true;
    }

    private static void AddLiteral(List<Part> parts, string text, TemplatePlace place)
    {
        if (text.Length > 0)
        {
            var bytes = place == TemplatePlace.JsonString ? JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes : Encoding.UTF8.GetBytes(text);
            parts.Add(new Part(PartKind.Literal) { Bytes = place == TemplatePlace.Path ? EncodePath(bytes) : bytes.ToArray() });
        }
    }

    private static Part ParsePlace(string text, ScenarioNames names, string where)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long from = 0, to = 0;
        switch (words)
        {
            case ["uuid"]:
                return new Part(PartKind.Uuid);
            case ["iteration"]:
                return new Part(PartKind.Iteration);
            case ["user"]:
                return new Part(PartKind.User);
            case ["random", var a, var b] when long.TryParse(a, CultureInfo.InvariantCulture, out from) && long.TryParse(b, CultureInfo.InvariantCulture, out to) && from <= to:
                return new Part(PartKind.Random) { From = from, To = to };
            case ["random", ..]:
                throw new LoadException(LoadFault.Usage, $"{where}: '{{{{{text}}}}}' must be {{{{random FROM TO}}}} with whole numbers and FROM <= TO, such as {{{{random 1 100}}}}");
            case ["pick", _, ..] when text["pick".Length..].Split('|') is var choices && !choices.Any(string.IsNullOrWhiteSpace):
                return new Part(PartKind.Pick) { Choices = [.. choices.Select(choice => Encoding.UTF8.GetBytes(choice.Trim()))] };
            case ["pick", ..]:
                throw new LoadException(LoadFault.Usage, $"{where}: '{{{{{text}}}}}' must be {{{{pick ONE|ANOTHER}}}}, such as {{{{pick lamp|garden chair}}}}");
            case [var name] when names.SlotOf(name) is >= 0 and var slot:
                return new Part(PartKind.Variable) { From = slot };
            case [var name] when names.ColumnOf(name) is var (table, column):
                return new Part(PartKind.Column) { Table = table, From = column };
            default:
                var known = string.Join(", ", names.Variables.Concat(names.Columns));
                throw new LoadException(LoadFault.Usage, $"{where}: '{{{{{text}}}}}' is neither a generator (uuid, random FROM TO, iteration, user, pick ONE|ANOTHER){(known.Length > 0 ? $" or one of {known}" : "")}; a variable must be captured by an earlier step");
        }
    }

    private bool TryAdd(ByteBuffer target, VariableSlot value)
    {
        if (!value.IsSet)
        {
            return false;
        }

        if (_place == TemplatePlace.JsonValue && !value.IsString)
        {
            target.Add(value.Bytes);
            return true;
        }

        return TryAddText(target, value.Bytes);
    }

    private bool TryAddText(ByteBuffer target, ReadOnlySpan<byte> text)
    {
        switch (_place)
        {
            case TemplatePlace.JsonValue:
                target.Add((byte)'"');
                AddEscaped(target, text);
                target.Add((byte)'"');
                return true;
            case TemplatePlace.JsonString:
                AddEscaped(target, text);
                return true;
            case TemplatePlace.Path:
                AddToPath(target, text);
                return true;
            case TemplatePlace.Header when Wire.Http1.HeadParser.HasControl(text):
                return false;
            default:
                target.Add(text);
                return true;
        }
    }

    private static void AddEscaped(ByteBuffer target, ReadOnlySpan<byte> value)
    {
        if (JavaScriptEncoder.UnsafeRelaxedJsonEscaping.FindFirstCharacterToEncodeUtf8(value) < 0)
        {
            target.Add(value);
        }
        else
        {
            target.Add(JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes);
        }
    }

    private static byte[] EncodePath(ReadOnlySpan<byte> bytes)
    {
        var buffer = new ByteBuffer();
        AddToPath(buffer, bytes);
        return buffer.Span.ToArray();
    }

    private static void AddToPath(ByteBuffer target, ReadOnlySpan<byte> value)
    {
        foreach (var c in value)
        {
            if (c is > 0x20 and < 0x7f and not ((byte)'"' or (byte)'<' or (byte)'>' or (byte)'#' or (byte)'\\' or (byte)'^' or (byte)'`' or (byte)'{' or (byte)'|' or (byte)'}'))
            {
                target.Add(c);
            }
            else
            {
                target.Add((byte)'%');
                target.Add((byte)"0123456789ABCDEF"[c >> 4]);
                target.Add((byte)"0123456789ABCDEF"[c & 15]);
            }
        }
    }

    /// <param name="Kind">What it gives.</param>
    private sealed record Part(PartKind Kind)
    {
        /// <summary>Of a literal.</summary>
        public byte[] Bytes { get; init; } = [];

        /// <summary>Least number; the variable's slot; the column.</summary>
        public long From { get; init; }

        /// <summary>Greatest number.</summary>
        public long To { get; init; }

        public byte[][] Choices { get; init; } = [];

        public DataTable? Table { get; init; }
    }
}

/// <summary>One user's values for templates. Not thread-safe.</summary>
internal sealed class TemplateValues(int variables)
{
    /// <summary>Captured values by slot.</summary>
    public VariableSlot[] Variables { get; } = [.. Enumerable.Range(0, variables).Select(_ => new VariableSlot())];

    /// <summary>Number of the user, from 1.</summary>
    public long User { get; set; }

    /// <summary>Iterations of this user before this one.</summary>
    public long Iteration { get; set; }

#pragma warning disable CA1051, MA0069 // A struct that changes in place.
    public SplitMix Random;
#pragma warning restore CA1051, MA0069

    /// <summary>Begins an iteration: nothing is captured yet.</summary>
    public void Begin(int seed, long user, long iteration)
    {
        (User, Iteration) = (user, iteration);
        Random = SplitMix.For(seed, user, iteration);
        foreach (var variable in Variables)
        {
            variable.Clear();
        }
    }
}
