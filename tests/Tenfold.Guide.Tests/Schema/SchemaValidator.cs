using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tenfold.Guide.Tests.Schema;

/// <summary>The keywords of JSON Schema that the guide's schema uses; any other one is an error of the schema.</summary>
internal sealed class SchemaValidator(JsonObject root)
{
    public IEnumerable<string> Errors(JsonNode? value) => Errors(root, value, "$");

    private IEnumerable<string> Errors(JsonNode? schema, JsonNode? value, string path)
    {
        if (schema is JsonValue)
        {
            return schema.GetValue<bool>() ? [] : [$"{path}: nothing is allowed"];
        }

        return schema!.AsObject().SelectMany(keyword => Check(keyword.Key, keyword.Value!, schema.AsObject(), value, path));
    }

    private IEnumerable<string> Check(string keyword, JsonNode constraint, JsonObject schema, JsonNode? value, string path) => keyword switch
    {
        "$schema" or "title" or "description" or "default" or "$defs" => [],
        "$ref" => Errors(root["$defs"]![constraint.GetValue<string>()["#/$defs/".Length..]] ?? throw new KeyNotFoundException(constraint.ToString()), value, path),
        "type" => Types(constraint).Any(t => Is(t, value)) ? [] : [$"{path}: is no {constraint}"],
        "const" => JsonNode.DeepEquals(constraint, value) ? [] : [$"{path}: is not {constraint}"],
        "enum" => constraint.AsArray().Any(c => JsonNode.DeepEquals(c, value)) ? [] : [$"{path}: is none of {constraint.ToJsonString()}"],
        "pattern" => !Is("string", value) || Regex.IsMatch(value!.GetValue<string>(), constraint.GetValue<string>(), RegexOptions.None, TimeSpan.FromSeconds(1)) ? [] : [$"{path}: '{value}' does not match {constraint}"],
        "minimum" => !Is("number", value) || Number(value) >= Number(constraint) ? [] : [$"{path}: less than {constraint}"],
        "maximum" => !Is("number", value) || Number(value) <= Number(constraint) ? [] : [$"{path}: more than {constraint}"],
        "maxItems" => value is not JsonArray list || list.Count <= Number(constraint) ? [] : [$"{path}: more than {constraint} items"],
        "maxProperties" => value is not JsonObject map || map.Count <= Number(constraint) ? [] : [$"{path}: more than {constraint} keys"],
        "required" => value is not JsonObject map ? [] : constraint.AsArray().Where(r => !map.ContainsKey(r!.GetValue<string>())).Select(r => $"{path}: {r} is missing"),
        "items" => value is not JsonArray list ? [] : list.SelectMany((item, i) => Errors(constraint, item, $"{path}[{i}]")),
        "properties" => value is not JsonObject map ? [] : map.Where(p => constraint.AsObject().ContainsKey(p.Key)).SelectMany(p => Errors(constraint[p.Key], p.Value, $"{path}.{p.Key}")),
        "patternProperties" => value is not JsonObject map ? [] : map.SelectMany(p => constraint.AsObject().Where(c => Matches(p.Key, c.Key)).SelectMany(c => Errors(c.Value, p.Value, $"{path}.{p.Key}"))),
        "additionalProperties" => value is not JsonObject map ? [] : map.Where(p => !Named(schema, p.Key)).SelectMany(p => Errors(constraint, p.Value, $"{path}.{p.Key}")),
        "anyOf" => constraint.AsArray().Any(s => !Errors(s, value, path).Any()) ? [] : [$"{path}: '{value}' fits none of {constraint.ToJsonString()}"],
        "oneOf" => constraint.AsArray().Count(s => !Errors(s, value, path).Any()) == 1 ? [] : [$"{path}: does not fit exactly one"],
        _ => throw new NotSupportedException($"the schema uses the keyword '{keyword}'"),
    };

    private static bool Named(JsonObject schema, string key) =>
        schema["properties"]?.AsObject().ContainsKey(key) == true || schema["patternProperties"]?.AsObject().Any(p => Matches(key, p.Key)) == true;

    private static bool Matches(string text, string pattern) => Regex.IsMatch(text, pattern, RegexOptions.None, TimeSpan.FromSeconds(1));

    private static IEnumerable<string> Types(JsonNode constraint) =>
        constraint is JsonArray several ? several.Select(t => t!.GetValue<string>()) : [constraint.GetValue<string>()];

    private static double Number(JsonNode? value) => double.Parse(value!.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture);

    private static bool Is(string type, JsonNode? value) => type switch
    {
        "object" => value is JsonObject,
        "array" => value is JsonArray,
        "string" => value?.GetValueKind() == JsonValueKind.String,
        "boolean" => value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        "number" => value?.GetValueKind() == JsonValueKind.Number,
        "integer" => value?.GetValueKind() == JsonValueKind.Number && Number(value) == Math.Floor(Number(value)),
        _ => throw new NotSupportedException($"the schema uses the type '{type}'"),
    };
}
