using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace Tenfold.Guide.Schema;

/// <summary>What the records' XML documentation says about each key. Without the file beside the assembly there are no descriptions.</summary>
internal sealed partial class Descriptions
{
    private readonly IReadOnlyDictionary<string, string> _summaries;

    private Descriptions(IReadOnlyDictionary<string, string> summaries) => _summaries = summaries;

    public static Descriptions Load()
    {
        var file = Path.ChangeExtension(typeof(SystemGuide).Assembly.Location, ".xml");
        try
        {
            return new Descriptions(XDocument.Load(file).Descendants("member")
                .Where(m => m.Element("summary") is not null)
                .ToDictionary(m => m.Attribute("name")!.Value, m => Plain(m.Element("summary")!), StringComparer.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or XmlException or ArgumentException)
        {
            return new Descriptions(new Dictionary<string, string>());
        }
    }

    public string? Of(Type record, string property) => _summaries.GetValueOrDefault($"P:{record.FullName}.{property}");

    private static string Plain(XElement summary)
    {
        foreach (var see in summary.Descendants().Where(e => e.Attribute("cref") is not null).ToArray())
        {
            var name = see.Attribute("cref")!.Value.Split('.')[^1];
            see.ReplaceWith(Reading.RecordShape.Kebab(name));
        }

        return Space().Replace(summary.Value, " ").Trim();
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Space();
}
