using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Tenfold.Guide.Reading;

/// <summary>YAML values as JSON, by YAML's core schema: unquoted <c>null</c>, <c>true</c>, <c>false</c> and numbers are what they look like.</summary>
internal static class JsonBody
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789+-.eE");

    public static JsonNode? Of(Node node) => node switch
    {
        ListNode list => new JsonArray([.. list.Items.Select(Of)]),
        MapNode map => new JsonObject(map.Entries.Select(e => KeyValuePair.Create(e.Key, Of(e.Value)))),
        ScalarNode { IsNull: true } => null,
        ScalarNode { IsPlain: true } scalar => Plain(scalar.Text),
        ScalarNode scalar => JsonValue.Create(scalar.Text),
        _ => throw new NotSupportedException(node.Kind),
    };

    private static JsonValue Plain(string text) => text switch
    {
        "true" or "True" or "TRUE" => JsonValue.Create(true),
        "false" or "False" or "FALSE" => JsonValue.Create(false),
        _ when IsWhole(text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
            JsonValue.Create(whole),
        _ when LooksLikeNumber(text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) =>
            JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };

    // 007 stays text: JSON has no leading zeros, and such things are codes.
    private static bool IsWhole(string text)
    {
        var digits = text.AsSpan().TrimStart('-');
        return digits.Length > 0 && digits.IndexOfAnyExceptInRange('0', '9') < 0 && (digits.Length == 1 || digits[0] != '0') && text.Length - digits.Length <= 1;
    }

    private static bool LooksLikeNumber(string text) =>
        text.Length is > 0 and < 40 && text.AsSpan().IndexOfAnyExcept(NumberCharacters) < 0 && (char.IsAsciiDigit(text[0]) || text[0] is '-') && char.IsAsciiDigit(text[^1])
        && text.AsSpan().IndexOfAny(".eE") > 0;
}
