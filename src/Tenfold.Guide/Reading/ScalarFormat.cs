using System.Globalization;

namespace Tenfold.Guide.Reading;

/// <summary>How one type is written as a single YAML value.</summary>
/// <param name="Name">What the documentation calls it.</param>
/// <param name="Read">The value, or what is wrong with the text.</param>
/// <param name="Write">The notation that reads back as the same value.</param>
/// <param name="Placeholder">Stands in for a required value that could not be read.</param>
/// <param name="SchemaType">JSON type of the values that need no notation: <c>string</c>, <c>integer</c> …</param>
/// <param name="Pattern">Regular expression of the notation; null when any string will do.</param>
internal sealed record ScalarFormat(
    string Name, Func<string, (object? Value, string? Error)> Read, Func<object, string> Write, object Placeholder, string SchemaType, string? Pattern);

/// <summary>The formats by type. Enums have one each.</summary>
internal static class ScalarFormats
{
    private static readonly Dictionary<Type, ScalarFormat> ByType = new()
    {
        [typeof(string)] = new("text", text => (text, null), v => (string)v, "", "string", null),
        [typeof(bool)] = new("true or false", ReadBoolean, v => (bool)v ? "true" : "false", false, "boolean", null),
        [typeof(int)] = new("count", ReadWhole, v => WriteCount((int)v), 0, "integer", @"^[0-9]+(\.[0-9]+)?[kM]?$"),
        [typeof(double)] = new("number", ReadNumber, v => WriteCount((decimal)(double)v), 0d, "number", @"^[0-9]+(\.[0-9]+)?[kM]?$"),
        [typeof(TimeSpan)] = new(
            "duration", Read<TimeSpan>(Duration.TryParse), v => Duration.Format((TimeSpan)v), TimeSpan.Zero, "string", @"^(0|([0-9]+(\.[0-9]+)?(d|h|m|s|ms|us))+)$"),
        [typeof(Cpu)] = new("cpu", Read<Cpu>(Cpu.TryParse), v => v.ToString()!, default(Cpu), "number", @"^[0-9]+(\.[0-9]+)?m?$"),
        [typeof(ByteSize)] = new(
            "size", Read<ByteSize>(ByteSize.TryParse), v => v.ToString()!, default(ByteSize), "integer", @"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|k|M|G)?$"),
        [typeof(Percentage)] = new("percentage", Read<Percentage>(Percentage.TryParse), v => v.ToString()!, default(Percentage), "string", @"^[0-9]+(\.[0-9]+)?%$"),
        [typeof(ScaleTarget)] = new(
            "percentage, duration or number", Read<ScaleTarget>(ScaleTarget.TryParse), v => v.ToString()!, default(ScaleTarget), "number", @"^([0-9]+(\.[0-9]+)?[%kM]?|([0-9]+(\.[0-9]+)?(d|h|m|s|ms|us))+)$"),
        [typeof(Cron)] = new("cron expression", ReadCron, v => v.ToString()!, Cron.Parse("0 0 1 1 *"), "string", @"^ *[^ ]+( +[^ ]+){4} *$"),
        [typeof(PathPattern)] = new("path pattern", ReadPath, v => v.ToString()!, PathPattern.Parse("/"), "string", "^/[^?# ]*$"),
        [typeof(RouteKey)] = new(
            "method and path", Read<RouteKey>(RouteKey.TryParse), v => v.ToString()!, new RouteKey("GET", PathPattern.Parse("/")), "string",
            $"^({string.Join('|', RouteKey.Methods)}) /[^?# ]*$"),
        [typeof(RouteFilter)] = new(
            "route filter", Read<RouteFilter>(RouteFilter.TryParse), v => v.ToString()!, new RouteFilter(null, PathPattern.Parse("/")), "string",
            $"^(({string.Join('|', RouteKey.Methods)}) )?/[^?# ]*$"),
    };

    private delegate bool TryParse<T>(string text, out T value, out string? error);

    /// <summary>Null when the type is not written as a single value.</summary>
    public static ScalarFormat? Of(Type type) => ByType.GetValueOrDefault(type);

    /// <summary>A bound of <see cref="BetweenAttribute"/>, or a value, as a number to compare.</summary>
    public static decimal Measure(object value) => value switch
    {
        int n => n,
        double n => (decimal)n,
        TimeSpan t => t.Ticks,
        Cpu c => c.Millicores,
        ByteSize b => b.Bytes,
        Percentage p => (decimal)p.Fraction,
        _ => throw new NotSupportedException($"{value.GetType().Name} has no order"),
    };

    public static object Parse(Type type, string text) => ByType[type].Read(text) is { Value: { } value }
        ? value
        : throw new FormatException($"'{text}' is not of type {type.Name}");

    private static (object?, string?) ReadBoolean(string text) => text switch
    {
        "true" => (true, null),
        "false" => (false, null),
        _ => (null, $"expected true or false, found '{text}'"),
    };

    private static (object?, string?) ReadWhole(string text) =>
        !Number.TryParseCount(text, out var number, out var error) ? (null, error)
        : number != decimal.Truncate(number) ? (null, $"expected a whole number, found '{text}'")
        : number is < int.MinValue or > int.MaxValue ? (null, $"the number {text} is too large")
        : ((int)number, null);

    private static (object?, string?) ReadNumber(string text) =>
        Number.TryParseCount(text, out var number, out var error) ? ((double)number, null) : (null, error);

    private static (object?, string?) ReadPath(string text) =>
        PathPattern.TryParse(text, out var pattern, out var error) ? (pattern, null) : (null, $"'{text}': {error}");

    private static (object?, string?) ReadCron(string text) => Cron.TryParse(text, out var cron, out var error) ? (cron, null) : (null, error);

    private static Func<string, (object?, string?)> Read<T>(TryParse<T> parse)
        where T : struct => text => parse(text, out var value, out var error) ? (value, null) : (null, error);

    private static string WriteCount(decimal number) =>
        number != 0 && number % 1_000_000 == 0 ? $"{number / 1_000_000:0}M"
        : number >= 10_000 && number % 1_000 == 0 ? $"{number / 1_000:0}k"
        : number.ToString(CultureInfo.InvariantCulture);
}
