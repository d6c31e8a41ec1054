using System.Globalization;
using System.Text.RegularExpressions;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>
/// Places <c>{{name}}</c> in a load test's texts: a variable that an earlier step captured, or a generator
/// (<c>uuid</c>, <c>user</c>, <c>iteration</c>, <c>random FROM TO</c>, <c>pick ONE|ANOTHER</c>), or a column of one of the test's tables.
/// </summary>
internal static partial class Templates
{
    /// <summary>Ends the name of a table among what is known: its columns are known when it is read.</summary>
    public const string OfTable = ".";

    private const string Random = "random";
    private const string Pick = "pick";

    /// <summary>The text with a letter in each place.</summary>
    public static string Blank(string text) => Place().Replace(text, "x");

    public static void Check(string path, string text, HashSet<string> captured, Findings findings)
    {
        foreach (Match match in Place().Matches(text))
        {
            Inside(path, match.Groups["inside"].Value.Trim(), captured, findings);
        }

        if (Blank(text).Contains("{{", StringComparison.Ordinal))
        {
            findings.Add(path, "'{{' without '}}'");
        }
    }

    private static void Inside(string path, string inside, HashSet<string> captured, Findings findings)
    {
        var words = inside.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is [Random, ..])
        {
            if (words is not [_, var from, var to] || !IsWhole(from, out var low) || !IsWhole(to, out var high) || low > high)
            {
                findings.Add(path, $"expected {{{{random FROM TO}}}} with whole numbers, such as {{{{random 1 100}}}}, found '{inside}'");
            }
        }
        else if (words is [Pick, ..])
        {
            if (inside[Pick.Length..].Split('|').Any(string.IsNullOrWhiteSpace))
            {
                findings.Add(path, $"expected {{{{pick ONE|ANOTHER}}}}, such as {{{{pick lamp|garden chair}}}}, found '{inside}'");
            }
        }
        else if (inside.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && captured.Contains(inside[..(dot + 1)]) && dot < inside.Length - 1)
        {
            // A column of a table.
        }
        else if (!captured.Contains(inside) && !RequestStep.Generators.Contains(inside))
        {
            findings.Add(path, $"{{{{{inside}}}}} is not captured before this step{Suggestion.Among(inside, [.. captured.Where(name => !name.EndsWith(OfTable, StringComparison.Ordinal)), .. RequestStep.Generators], "known are")}");
        }
    }

    private static bool IsWhole(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    [GeneratedRegex(@"\{\{(?<inside>[^{}]*)\}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Place();
}
