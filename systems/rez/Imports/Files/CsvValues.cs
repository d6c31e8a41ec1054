using System.Globalization;

namespace Rez.Imports.Files;

/// <summary>Values of CSV fields, as JSON writes them; null for everything else.</summary>
internal static class CsvValues
{
    public static decimal? Price(string text) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? value : null;

    public static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    public static bool? Boolean(string text) => text switch { "true" => true, "false" => false, _ => null };
}
