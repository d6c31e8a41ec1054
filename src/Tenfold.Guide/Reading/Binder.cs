using System.Collections;
using System.Collections.ObjectModel;
using System.Reflection;
using System.Text.Json.Nodes;
using Tenfold.Guide.Validation;

namespace Tenfold.Guide.Reading;

/// <summary>
/// Fills guide records from nodes by reflection. It always returns a whole record: what could not be read keeps its default,
/// or a placeholder where it is required, and is known to the findings as unread, so that later rules stay silent about it.
/// </summary>
internal sealed class Binder(Findings findings)
{
    /// <summary>Keys that begin so, at the top of the file, are places for anchors; nothing reads them.</summary>
    public const string AnchorPrefix = "x-";

    /// <summary>Items of one list or mapping.</summary>
    public const int MaxItems = 1000;

    private readonly Dictionary<Type, RecordShape> _shapes = [];

    public SystemGuide Guide(Node root) => (SystemGuide)Record(root, typeof(SystemGuide), "");

    private object Value(Node node, Type type, string path, BetweenAttribute? between)
    {
        if (!findings.IsWritten(path) || node is ScalarNode { IsNull: false })
        {
            findings.Place(path, node.At);
        }

        if (node is ScalarNode { IsBroken: true })
        {
            findings.Silence(path);
            return Placeholder(type);
        }

        if (node is ScalarNode { IsNull: true } && type != typeof(JsonNode))
        {
            findings.Unread(path, PlaceOf(path, node), "has no value; give it one, or remove the key");
            return Placeholder(type);
        }

        if (ScalarFormats.Of(type) is { } format)
        {
            return Scalar(node, format, path, between);
        }

        return type switch
        {
            { IsEnum: true } => Enumeration(node, type, path),
            _ when type == typeof(JsonNode) => JsonBody.Of(node)!,
            _ when type == typeof(LoadStep) => Step(node, path, LoadSteps.Kinds, type),
            _ when type == typeof(RequestStep) => Step(node, path, LoadSteps.Requests, type),
            { IsGenericType: true } when type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => List(node, type, path, between),
            { IsGenericType: true } => Dictionary(node, type, path, between),
            _ => Record(node, type, path),
        };
    }

    private object Scalar(Node node, ScalarFormat format, string path, BetweenAttribute? between)
    {
        if (node is not ScalarNode scalar)
        {
            return Wrong(node, path, $"expected a {format.Name}, found {node.Kind}", format.Placeholder);
        }

        var (value, error) = format.Read(scalar.Text);
        if (value is null)
        {
            return Wrong(node, path, error!, format.Placeholder);
        }

        if (between is not null)
        {
            var measure = ScalarFormats.Measure(value);
            var (min, max) = (ScalarFormats.Parse(value.GetType(), between.Min), ScalarFormats.Parse(value.GetType(), between.Max));
            if (measure < ScalarFormats.Measure(min) || measure > ScalarFormats.Measure(max))
            {
                return Wrong(node, path, $"found {scalar.Text}; allowed: {between.Min} to {between.Max}", value);
            }
        }

        return value;
    }

    private object Enumeration(Node node, Type type, string path)
    {
        var values = Enum.GetValues(type).Cast<object>().ToDictionary(v => RecordShape.Kebab(v.ToString()!), StringComparer.Ordinal);
        var placeholder = values.Values.First();
        if (node is not ScalarNode scalar)
        {
            return Wrong(node, path, $"expected one value, found {node.Kind}{Suggestion.Among("", values.Keys)}", placeholder);
        }

        return values.TryGetValue(scalar.Text, out var value)
            ? value
            : Wrong(node, path, $"unknown value {node.Kind}{Suggestion.Among(scalar.Text, values.Keys)}", placeholder);
    }

    private object List(Node node, Type type, string path, BetweenAttribute? between)
    {
        var itemType = type.GetGenericArguments()[0];
        if (node is not ListNode list)
        {
            return Wrong(node, path, $"expected a list, found {node.Kind}", Placeholder(type));
        }

        if (list.Items.Count > MaxItems)
        {
            return Wrong(node, path, $"has {list.Items.Count:N0} items; allowed: at most {MaxItems:N0}", Placeholder(type));
        }

        var items = Array.CreateInstance(itemType, list.Items.Count);
        for (var i = 0; i < items.Length; i++)
        {
            items.SetValue(Value(list.Items[i], itemType, ItemPath.Of(path, i), between), i);
        }

        return Activator.CreateInstance(typeof(ReadOnlyCollection<>).MakeGenericType(itemType), items)!;
    }

    private object Dictionary(Node node, Type type, string path, BetweenAttribute? between)
    {
        var itemType = type.GetGenericArguments()[1];
        if (node is not MapNode map)
        {
            return Wrong(node, path, $"expected a mapping, found {node.Kind}", Placeholder(type));
        }

        if (map.Entries.Count > MaxItems)
        {
            return Wrong(node, path, $"has {map.Entries.Count:N0} items; allowed: at most {MaxItems:N0}", Placeholder(type));
        }

        // Ordered: tables and summaries list things as the guide does.
        var items = (IDictionary)Activator.CreateInstance(typeof(OrderedDictionary<,>).MakeGenericType(typeof(string), itemType))!;
        foreach (var entry in map.Entries)
        {
            var itemPath = ItemPath.Of(path, entry.Key);
            findings.PlaceKey(itemPath, entry.KeyAt);
            items.Add(entry.Key, Value(entry.Value, itemType, itemPath, between));
        }

        return Activator.CreateInstance(typeof(ReadOnlyDictionary<,>).MakeGenericType(typeof(string), itemType), items)!;
    }

    private object Record(Node node, Type type, string path)
    {
        var shape = Shape(type);
        if (node is not MapNode map)
        {
            return Wrong(node, path, $"expected a mapping, found {node.Kind}{Suggestion.Among("", shape.Names, "allowed keys")}", Placeholder(type));
        }

        return Fill(map, shape, path, alsoAllowed: null);
    }

    private object Fill(MapNode map, RecordShape shape, string path, string? alsoAllowed)
    {
        var record = Placeholder(shape.Type);
        if (map.Entries.Count > MaxItems)
        {
            return Wrong(map, path, $"has {map.Entries.Count:N0} keys{Suggestion.Among("", shape.Names)}", record);
        }

        foreach (var entry in map.Entries)
        {
            var itemPath = ItemPath.Of(path, entry.Key);
            if (shape.Find(entry.Key) is { } key)
            {
                findings.PlaceKey(itemPath, entry.KeyAt);
                key.Property.SetValue(record, Value(entry.Value, key.Type, itemPath, key.Between));
            }
            else if (entry.Key != alsoAllowed && !(path.Length == 0 && entry.Key.StartsWith(AnchorPrefix, StringComparison.Ordinal)))
            {
                findings.Unread(itemPath, entry.KeyAt, Unknown(entry.Key, shape));
            }
        }

        foreach (var key in shape.Keys.Where(k => k.IsRequired && map.Find(k.Key) is null))
        {
            findings.Unread(ItemPath.Of(path, key.Key), PlaceOf(path, map), "is missing");
        }

        return record;
    }

    private object Step(Node node, string path, IReadOnlyList<string> allowed, Type type)
    {
        if (node is not MapNode map)
        {
            return Wrong(node, path, $"expected a step such as {{ get: /path }}{(allowed.Contains(LoadSteps.Think) ? " or { think: 1s }" : "")}, found {node.Kind}", Placeholder(type));
        }

        var kinds = map.Entries.Where(e => allowed.Contains(e.Key)).ToArray();
        if (kinds.Length != 1)
        {
            var found = kinds.Length == 0 ? "has no kind" : $"has several kinds: {string.Join(", ", kinds.Select(k => k.Key))}";
            var near = map.Entries.Select(e => e.Key).FirstOrDefault(k => kinds.Length == 0 && Suggestion.Nearest(k, allowed) is not null, "");
            return Wrong(node, path, found + Suggestion.Among(near, allowed, "exactly one is allowed"), Placeholder(type));
        }

        var kind = kinds[0];
        Type? other = kind.Key switch
        {
            LoadSteps.Think => typeof(ThinkStep),
            LoadSteps.Parallel => typeof(ParallelStep),
            LoadSteps.Share => typeof(ShareStep),
            _ => null,
        };
        if (other is not null)
        {
            return Fill(map, Shape(other), path, alsoAllowed: null);
        }

        var request = (RequestStep)Fill(map, Shape(typeof(RequestStep)), path, alsoAllowed: kind.Key);
        var target = ItemPath.Of(path, kind.Key);
        findings.PlaceKey(target, kind.KeyAt);
        return request with { Method = kind.Key.ToUpperInvariant(), Path = (string)Value(kind.Value, typeof(string), target, null) };
    }

    private RecordShape Shape(Type type)
    {
        if (!_shapes.TryGetValue(type, out var shape))
        {
            _shapes[type] = shape = RecordShape.Of(type);
        }

        return shape;
    }

    private static string Unknown(string key, RecordShape shape) => LaterKeys.Includes(shape.Type, key)
        ? $"`{key}` is not supported yet"
        : $"unknown key{Suggestion.Among(key, shape.Names)}";

    private object Wrong(Node node, string path, string message, object placeholder)
    {
        findings.Unread(path, PlaceOf(path, node), message);
        return placeholder;
    }

    private Position PlaceOf(string path, Node node) => node is ScalarNode { IsNull: false } ? node.At : findings.PlaceOf(path) ?? node.At;

    private static object Placeholder(Type type)
    {
        if (ScalarFormats.Of(type) is { } format)
        {
            return format.Placeholder;
        }

        if (type.IsGenericType)
        {
            var arguments = type.GetGenericArguments();
            return arguments.Length == 1
                ? Array.CreateInstance(arguments[0], 0)
                : Activator.CreateInstance(typeof(ReadOnlyDictionary<,>).MakeGenericType(arguments), Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments)))!;
        }

        if (type == typeof(LoadStep))
        {
            return new ThinkStep { Think = TimeSpan.Zero };
        }

        var record = Activator.CreateInstance(type)!;
        foreach (var property in type.GetProperties().Where(p => p.CanWrite && p.PropertyType.IsClass | p.PropertyType.IsInterface))
        {
            if (property.GetValue(record) is null && property.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>() is not null)
            {
                property.SetValue(record, Placeholder(property.PropertyType));
            }
        }

        return record;
    }
}
