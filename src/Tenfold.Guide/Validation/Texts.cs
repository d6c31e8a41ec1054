using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Texts that end up in requests, where a line end would be a second header or a second request.</summary>
internal static class Texts
{
    public static void OneLine(string path, string text, Findings findings)
    {
        if (text.AsSpan().IndexOfAny("\r\n\u0085\u2028\u2029") >= 0)
        {
            findings.Add(path, "holds a line end; allowed: one line");
        }
    }

    public static void Headers(string path, IReadOnlyDictionary<string, string> headers, Findings findings)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in headers)
        {
            var item = ItemPath.Of(path, name);
            if (!Names.HttpToken().IsMatch(name))
            {
                findings.AddToKey(item, $"'{name}' is no header name; allowed: letters, digits and !#$%&'*+-.^_`|~");
            }
            else if (!seen.Add(name))
            {
                findings.AddToKey(item, $"the header {name} is given twice");
            }

            OneLine(item, value, findings);
        }
    }

    /// <summary>A path of a request, with or without a query.</summary>
    public static void Path(string path, string text, Findings findings)
    {
        if (!text.StartsWith('/'))
        {
            findings.Add(path, $"expected a path that begins with /, found '{text}'");
        }
        else if (text.AsSpan().IndexOfAny(" \t\r\n#") >= 0)
        {
            findings.Add(path, $"'{text}' holds a space, a line end or #; write %20 or %23");
        }
    }
}
