using YamlDotNet.Core;

namespace Tenfold.Guide.Reading;

/// <summary>What a YAML parser's complaint means to the person who wrote the file.</summary>
internal static class SyntaxHint
{
    public static string For(string text, YamlException error)
    {
        var lines = text.Split('\n');
        var line = Line(lines, error.Start.Line);
        if (IndentsWithTab(line) || IndentsWithTab(Line(lines, error.Start.Line + 1)))
        {
            return "a tab indents this line; YAML indents with spaces";
        }

        var hint = line.Contains('{', StringComparison.Ordinal) && HasPlace(line) ? "; a text with braces needs quotes: \"/api/{id}\""
            : line.Contains('*', StringComparison.Ordinal) ? "; a text that begins with * needs quotes"
            : "";
        return IsOwn(error) ? error.Message : $"not YAML: {error.Message.TrimEnd('.')}{hint}";
    }

    // Messages of this reader begin in lower case, the parser's in upper case.
    private static bool IsOwn(YamlException error) => error.Message.Length > 0 && (char.IsLower(error.Message[0]) || error.Message[0] is '\'');

    private static string Line(string[] lines, long number) => number >= 1 && number <= lines.Length ? lines[number - 1] : "";

    private static bool IndentsWithTab(string line) => line.AsSpan(0, line.Length - line.AsSpan().TrimStart().Length).Contains('\t');

    /// <summary>A brace that is no flow mapping: <c>{id}</c>, <c>{{id}}</c>.</summary>
    private static bool HasPlace(string line)
    {
        for (var open = line.IndexOf('{', StringComparison.Ordinal); open >= 0; open = line.IndexOf('{', open + 1))
        {
            if (open + 1 < line.Length && (char.IsAsciiLetter(line[open + 1]) || line[open + 1] == '{') && line.IndexOf('}', open) > 0
                && !line[open..line.IndexOf('}', open)].Contains(':', StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
