using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tenfold.Load.Scenarios;

/// <summary>A JSON body whose strings may hold templates. Immutable; thread-safe.</summary>
internal sealed class BodyTemplate
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<Piece> _pieces = [];

    /// <inheritdoc cref="Template.Parse"/>
    public BodyTemplate(JsonNode body, ScenarioNames names, string where) => Add(body, names, where);

    /// <summary>Whether every iteration sends the same bytes.</summary>
    public bool IsLiteral => _pieces.All(p => p.Text is null || p.Text.IsLiteral);

    /// <inheritdoc cref="Template.TryRender"/>
    public bool TryRender(ByteBuffer target, TemplateValues values)
    {
        foreach (var piece in _pieces)
        {
            target.Add(piece.Bytes);
            if (piece.Text is not null && !piece.Text.TryRender(target, values))
            {
                return false;
            }
        }

        return true;
    }

    private void Add(JsonNode? node, ScenarioNames names, string where)
    {
        switch (node)
        {
            case JsonObject o:
                Add("{"u8);
                var comma = false;
                foreach (var (name, value) in o)
                {
                    Add(comma ? ","u8 : []);
                    Add(JsonSerializer.SerializeToUtf8Bytes(name, Relaxed));
                    Add(":"u8);
                    Add(value, names, where);
                    comma = true;
                }

                Add("}"u8);
                break;
            case JsonArray a:
                Add("["u8);
                for (var i = 0; i < a.Count; i++)
                {
                    Add(i > 0 ? ","u8 : []);
                    Add(a[i], names, where);
                }

                Add("]"u8);
                break;
            case JsonValue v when v.GetValueKind() == JsonValueKind.String:
                var text = Template.Parse(v.GetValue<string>(), TemplatePlace.JsonString, names, where);
                Add(text.KeepsType ? [] : "\""u8);
                _pieces.Add(new Piece([], text));
                Add(text.KeepsType ? [] : "\""u8);
                break;
            default:
                Add(JsonSerializer.SerializeToUtf8Bytes(node, Relaxed));
                break;
        }
    }

    private void Add(ReadOnlySpan<byte> bytes) => _pieces.Add(new Piece(bytes.ToArray(), null));

    private readonly record struct Piece(byte[] Bytes, Template? Text);
}
