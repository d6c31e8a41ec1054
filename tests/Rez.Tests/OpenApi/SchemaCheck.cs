using System.Text.Json;

namespace Rez.Tests.OpenApi;

/// <summary>
/// Holds JSON against a schema of the OpenAPI document, strictly: a field that the schema does not name is wrong too. Knows the keywords that
/// the document uses, and fails on any other one.
/// </summary>
internal sealed class SchemaCheck(JsonElement document)
{
    // Say nothing about the shape, or are held by another one.
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal) { "format", "pattern", "description", "title", "default", "example", "examples" };

    /// <summary>What is wrong, each with its path in the JSON.</summary>
    public IEnumerable<string> Of(JsonElement value, JsonElement schema, string path = "$")
    {
        schema = Resolved(schema);
        foreach (var keyword in schema.EnumerateObject())
        {
            IEnumerable<string> wrong = keyword.Name switch
            {
                "type" => Type(value, keyword.Value, path),
                "properties" => Properties(value, keyword.Value, schema.TryGetProperty("additionalProperties", out var others) ? others : null, path),
                "additionalProperties" => schema.TryGetProperty("properties", out _) ? [] : Properties(value, default, keyword.Value, path),
                "required" => Required(value, keyword.Value, path),
                "items" => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().SelectMany((item, i) => Of(item, keyword.Value, $"{path}[{i}]")) : [],
                "enum" => keyword.Value.EnumerateArray().Any(allowed => JsonElement.DeepEquals(allowed, value)) ? [] : [$"{path}: {value} is none of {keyword.Value}"],
                "oneOf" or "anyOf" => keyword.Value.EnumerateArray().Any(one => !Of(value, one, path).Any()) ? [] : [$"{path}: fits none of {keyword.Name}"],
                "minimum" or "maximum" => [],
                _ when Ignored.Contains(keyword.Name) => [],
                _ => [$"{path}: the schema has '{keyword.Name}', which this check does not know"],
            };
            foreach (var one in wrong)
            {
                yield return one;
            }
        }
    }

    private JsonElement Resolved(JsonElement schema)
    {
        while (schema.TryGetProperty("$ref", out var reference))
        {
            schema = reference.GetString()!.Split('/').Skip(1).Aggregate(document, (at, part) => at.GetProperty(part));
        }

        return schema;
    }

    private static IEnumerable<string> Type(JsonElement value, JsonElement allowed, string path)
    {
        string[] types = allowed.ValueKind == JsonValueKind.Array ? [.. allowed.EnumerateArray().Select(type => type.GetString()!)] : [allowed.GetString()!];
        var found = value.ValueKind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.Null => "null",
            _ => value.TryGetInt64(out _) ? "integer" : "number",
        };
        return types.Contains(found, StringComparer.Ordinal) || (found == "integer" && types.Contains("number", StringComparer.Ordinal)) ? [] : [$"{path}: {found}, not {string.Join(" or ", types)}"];
    }

    private IEnumerable<string> Properties(JsonElement value, JsonElement properties, JsonElement? others, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        foreach (var field in value.EnumerateObject())
        {
            var at = $"{path}.{field.Name}";
            if (properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(field.Name, out var schema))
            {
                foreach (var wrong in Of(field.Value, schema, at))
                {
                    yield return wrong;
                }
            }
            else if (others is not { ValueKind: JsonValueKind.Object or JsonValueKind.True })
            {
                yield return $"{at}: is not in the schema";
            }
            else if (others is { ValueKind: JsonValueKind.Object } schemaOfOthers)
            {
                foreach (var wrong in Of(field.Value, schemaOfOthers, at))
                {
                    yield return wrong;
                }
            }
        }
    }

    private static IEnumerable<string> Required(JsonElement value, JsonElement names, string path) => value.ValueKind != JsonValueKind.Object ? []
        : names.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{path}.{name}: is missing");
}
