using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Schema;

/// <summary>
/// The guide's JSON schema (draft 2020-12) for editors, made from the same records that guides are read into.
/// It knows keys, types, notations and bounds; rules between values are left to <see cref="GuideReader"/>.
/// </summary>
public static class GuideSchema
{
    private const string EnvironmentVariable = "environment-variable";
    private const string Step = "load-step";
    private const string Request = "load-request";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The schema as text.</summary>
    public static string Text() => Create().ToJsonString(Indented) + "\n";

    /// <summary>The schema as a new tree.</summary>
    public static JsonObject Create()
    {
        var definitions = new JsonObject
        {
            [EnvironmentVariable] = new JsonObject
            {
                ["description"] = "A value from the environment: ${NAME} or ${NAME:-default}.",
                ["type"] = "string",
                ["pattern"] = @"\$\{",
            },
        };
        var builder = new Builder(definitions, Descriptions.Load());
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Tenfold guide",
        };
        foreach (var (key, value) in builder.Record(typeof(SystemGuide)))
        {
            root[key] = value!.DeepClone();
        }

        root["patternProperties"] = new JsonObject { [$"^{Binder.AnchorPrefix}"] = true };
        root["$defs"] = definitions;
        return root;
    }

    private sealed class Builder(JsonObject definitions, Descriptions descriptions)
    {
        public JsonObject Record(Type type) => Object(RecordShape.Of(type), kind: null);

        // Kind: the key that makes it this kind of step.
        private JsonObject Object(RecordShape shape, string? kind)
        {
            var properties = new JsonObject();
            if (kind is not null)
            {
                properties[kind] = new JsonObject { ["description"] = descriptions.Of(typeof(RequestStep), nameof(RequestStep.Path)), ["type"] = "string" };
            }

            foreach (var key in shape.Keys)
            {
                properties[key.Key] = Key(key);
            }

            string[] required = [.. kind is null ? [] : (string[])[kind], .. shape.Keys.Where(k => k.IsRequired).Select(k => k.Key)];
            var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
            if (required.Length > 0)
            {
                schema["required"] = new JsonArray([.. required.Select(r => JsonValue.Create(r))]);
            }

            return schema;
        }

        private JsonObject Key(KeyShape key)
        {
            var schema = new JsonObject();
            if (descriptions.Of(key.Property.DeclaringType!, key.Property.Name) is { } description)
            {
                schema["description"] = description;
            }

            if (key.Default is { } value)
            {
                schema["default"] = value switch
                {
                    int n => n,
                    bool b => b,
                    _ => JsonValue.Create(key.DefaultText),
                };
            }

            foreach (var (keyword, constraint) in Value(key.Type, key.Between))
            {
                schema[keyword] = constraint!.DeepClone();
            }

            return schema;
        }

        private JsonObject Value(Type type, BetweenAttribute? between)
        {
            if (type.IsEnum)
            {
                return OrVariable(new JsonObject { ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(n => JsonValue.Create(RecordShape.Kebab(n)))]) });
            }

            if (ScalarFormats.Of(type) is { } format)
            {
                return Scalar(format, type, between);
            }

            if (type == typeof(JsonNode))
            {
                return [];
            }

            if (type.IsGenericType)
            {
                var item = Value(type.GetGenericArguments()[^1], between);
                return type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
                    ? new JsonObject { ["type"] = "array", ["items"] = item, ["maxItems"] = Binder.MaxItems }
                    : new JsonObject { ["type"] = "object", ["additionalProperties"] = item, ["maxProperties"] = Binder.MaxItems };
            }

            return type == typeof(LoadStep) ? Definition(Step, Steps) : type == typeof(RequestStep) ? Definition(Request, Requests) : Definition(RecordShape.Kebab(type.Name), () => Record(type));
        }

        private JsonObject Definition(string name, Func<JsonObject> create)
        {
            if (!definitions.ContainsKey(name))
            {
                definitions[name] = new JsonObject(); // first, so that it may contain itself
                definitions[name] = create();
            }

            return new JsonObject { ["$ref"] = $"#/$defs/{name}" };
        }

        private JsonObject Steps() => new()
        {
            ["oneOf"] = new JsonArray([.. RequestKinds(), Record(typeof(ThinkStep)), Record(typeof(ParallelStep)), Record(typeof(ShareStep))]),
        };

        private JsonObject Requests() => new() { ["oneOf"] = new JsonArray([.. RequestKinds()]) };

        private IEnumerable<JsonObject> RequestKinds() => LoadSteps.Requests.Select(kind => Object(RecordShape.Of(typeof(RequestStep)), kind));

        private static JsonObject Scalar(ScalarFormat format, Type type, BetweenAttribute? between)
        {
            if (type == typeof(string))
            {
                return new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") }; // YAML text without quotes
            }

            if (format.SchemaType == "boolean")
            {
                return OrVariable(new JsonObject { ["enum"] = new JsonArray(true, false, "true", "false") });
            }

            var notation = new JsonObject { ["type"] = "string", ["pattern"] = format.Pattern };
            if (type == typeof(TimeSpan))
            {
                return OrVariable(notation, new JsonObject { ["const"] = 0 });
            }

            if (format.SchemaType == "string")
            {
                return OrVariable(notation);
            }

            var number = new JsonObject { ["type"] = format.SchemaType };
            if (between is not null)
            {
                number["minimum"] = Bound(type, between.Min);
                number["maximum"] = Bound(type, between.Max);
            }

            return OrVariable(number, notation);
        }

        // A bare number of a processor share is in cores, its measure in thousandths.
        private static JsonValue Bound(Type type, string text)
        {
            var measure = ScalarFormats.Measure(ScalarFormats.Parse(type, text));
            return JsonValue.Create(type == typeof(Cpu) ? measure / 1000 : measure);
        }

        private static JsonObject OrVariable(params JsonNode[] schemas) => new()
        {
            ["anyOf"] = new JsonArray([.. schemas, new JsonObject { ["$ref"] = $"#/$defs/{EnvironmentVariable}" }]),
        };
    }
}
