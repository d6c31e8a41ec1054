using System.Globalization;
using System.Text.RegularExpressions;

namespace Tenfold.Postgres.Partitions;

/// <summary>A range of time, UTC: from (inclusive) to (exclusive).</summary>
internal readonly partial record struct PartitionRange(DateTime From, DateTime To)
{
    private static readonly string[] Formats = ["yyyy-MM-dd HH:mm:ss.FFFFFF", "yyyy-MM-dd"];

    /// <summary>PostgreSQL's text of a partition's bounds, in a session with UTC and ISO dates.</summary>
    public static PartitionRange Parse(string bounds)
    {
        var match = Bounds().Match(bounds);
        return match.Success ? new(At(match.Groups["from"].Value, bounds), At(match.Groups["to"].Value, bounds)) : throw Unknown(bounds);
    }

    /// <summary>A bound as it stands in SQL.</summary>
    public static string Sql(DateTime at) => at == DateTime.MinValue ? "MINVALUE" : at == DateTime.MaxValue ? "MAXVALUE" : $"'{at.ToString("yyyy-MM-dd HH:mm:ss.FFFFFF", CultureInfo.InvariantCulture)}+00'";

    private static DateTime At(string text, string bounds) => text switch
    {
        "MINVALUE" or "'-infinity'" => DateTime.MinValue,
        "MAXVALUE" or "'infinity'" => DateTime.MaxValue,
        _ => DateTime.TryParseExact(text.Trim('\'').Replace("+00", "", StringComparison.Ordinal), Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)
            ? DateTime.SpecifyKind(at, DateTimeKind.Utc)
            : throw Unknown(bounds),
    };

    private static PartitionException Unknown(string bounds) => new($"a partition's bounds are not understood: {bounds}");

    [GeneratedRegex(@"^FOR VALUES FROM \((?<from>[^,()]+)\) TO \((?<to>[^,()]+)\)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Bounds();
}
