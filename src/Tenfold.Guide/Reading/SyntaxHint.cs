using YamlDotNet.Core;

namespace Tenfold.Guide.Reading;

/// <summary>What a YAML parser's complaint means to the person who wrote the file.</summary>
internal static class SyntaxHint
{
    private const int LongestLine = 500; // a hint is for people; looking for braces is quadratic

    public static (Position At, string Message) For(string text, YamlException error)
    {
        var at = new Position((int)error.Start.Line, (int)error.Start.Column);
        if (error is TreeException)
        {
            return (at, error.Message);
        }

        var lines = text.Split('\n');
        var about = string.Join('\n', lines.Skip(at.Line - 1).Take(2)); // the parser may stop at the line end before the culprit
        if (TabIndent(lines, at.Line) is { } tab && (about.Contains('\t', StringComparison.Ordinal) || error.Message.Contains("tab", StringComparison.Ordinal)))
        {
            return (tab, "a tab indents this line; YAML indents with spaces");
        }

        var line = at.Line <= lines.Length ? lines[at.Line - 1] : "";
        line = line.Length <= LongestLine ? line : line[..LongestLine];
        var hint = HasPlace(line) ? "; a text with braces needs quotes: \"/api/{id}\"" : "";
        return (at, $"not YAML: {error.Message.TrimEnd('.')}{hint}");
    }

    /// <summary>The first tab in an indentation, from a line on.</summary>
    private static Position? TabIndent(string[] lines, int from)
    {
        for (var i = Math.Max(0, from - 1); i < lines.Length; i++)
        {
            var indent = lines[i].Length - lines[i].AsSpan().TrimStart(" \t").Length;
            var tab = lines[i].AsSpan(0, indent).IndexOf('\t');
            if (tab >= 0 && indent < lines[i].TrimEnd().Length)
            {
                return new Position(i + 1, tab + 1);
            }
        }

        return null;
    }

    /// <summary>A brace that is no flow mapping: <c>{id}</c>, <c>{{id}}</c>.</summary>
    private static bool HasPlace(string line)
    {
        for (var open = line.IndexOf('{', StringComparison.Ordinal); open >= 0; open = line.IndexOf('{', open + 1))
        {
            var close = line.IndexOf('}', open);
            if (close > open + 1 && line.AsSpan(open, close - open).IndexOfAny(": ,") < 0)
            {
                return true;
            }
        }

        return false;
    }
}
