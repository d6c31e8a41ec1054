using System.Xml.Linq;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests;

/// <summary>What must hold for every key of every record.</summary>
public sealed class RecordsTests
{
    private static readonly RecordShape[] Shapes =
        [.. typeof(SystemGuide).Assembly.GetExportedTypes()
            .Where(t => t.Namespace == "Tenfold.Guide" && t.IsSealed && t.IsClass && t.GetMethod("<Clone>$") is not null)
            .Select(RecordShape.Of)];

    [Fact]
    public void The_records_are_found() => Assert.Equal(41, Shapes.Length);

    [Fact]
    public void Every_quantity_has_bounds() => Assert.Equal(
        [],
        Keys().Where(k => k.Between is null && ScalarFormats.Of(Item(k.Type)) is { Name: "count" or "number" or "duration" or "cpu" or "size" or "percentage" }).Select(Name));

    [Fact]
    public void Bounds_are_in_order_and_hold_the_default()
    {
        foreach (var key in Keys().Where(k => k.Between is not null))
        {
            var type = Item(key.Type);
            var (min, max) = (ScalarFormats.Measure(ScalarFormats.Parse(type, key.Between!.Min)), ScalarFormats.Measure(ScalarFormats.Parse(type, key.Between.Max)));
            Assert.True(min < max, Name(key));
            Assert.True(key.Default is not { } value || (ScalarFormats.Measure(value) >= min && ScalarFormats.Measure(value) <= max), Name(key));
        }
    }

    [Fact]
    public void A_default_in_a_comment_is_that_of_the_initialiser()
    {
        var summaries = XDocument.Load(Path.ChangeExtension(typeof(SystemGuide).Assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(m => m.Attribute("name")!.Value, m => m.Element("summary")?.Value ?? "", StringComparer.Ordinal);
        var wrong = Keys()
            .Where(k => k.DefaultText is { } text && !summaries[$"P:{k.Property.DeclaringType!.FullName}.{k.Property.Name}"].Contains($"Default {text}", StringComparison.Ordinal))
            .Select(k => $"{Name(k)}: {k.DefaultText}");

        Assert.Equal([], wrong);
    }

    [Fact]
    public void Keys_are_kebab_case() =>
        Assert.Equal(["first-byte-timeout", "p95", "api", "tls"], new[] { "FirstByteTimeout", "P95", "Api", "Tls" }.Select(RecordShape.Kebab));

    [Fact]
    public void The_sample_of_every_key_holds_every_key()
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        Collect(new Composer(Samples.EveryKey, new Substitution(_ => null), new Findings("g")).Compose()!, paths);

        Assert.Equal([], Keys().Select(k => k.Key).Distinct().Where(k => !paths.Contains(k)));
    }

    private static IEnumerable<KeyShape> Keys() => Shapes.SelectMany(s => s.Keys);

    private static string Name(KeyShape key) => $"{key.Property.DeclaringType!.Name}.{key.Property.Name}";

    private static Type Item(Type type) => type.IsGenericType ? type.GetGenericArguments()[^1] : type;

    private static void Collect(Node node, HashSet<string> keys)
    {
        foreach (var entry in (node as MapNode)?.Entries ?? [])
        {
            keys.Add(entry.Key);
            Collect(entry.Value, keys);
        }

        foreach (var item in (node as ListNode)?.Items ?? [])
        {
            Collect(item, keys);
        }
    }
}
