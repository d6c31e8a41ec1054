using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tenfold.Guide.Reading;

/// <summary>
/// Environment variables in values: <c>${NAME}</c> must be set, <c>${NAME:-default}</c> falls back when it is unset or empty,
/// <c>$${</c> is a literal <c>${</c>. What a variable holds is taken as text: it cannot add YAML, nor variables.
/// </summary>
internal sealed class Substitution(Func<string, string?> environment)
{
    private const int MaxLength = 1 << 20;

    private int _filledIn;

    /// <summary>On an error <paramref name="result"/> is the text as written.</summary>
    public bool TryApply(string text, out string result, [NotNullWhen(false)] out string? error)
    {
        result = text;
        error = null;
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return true;
        }

        var built = new StringBuilder();
        var at = 0;
        while (true)
        {
            var open = text.IndexOf("${", at, StringComparison.Ordinal);
            if (open < 0)
            {
                built.Append(text, at, text.Length - at);
                break;
            }

            if (open > at && text[open - 1] == '$')
            {
                built.Append(text, at, open - 1 - at).Append("${");
                at = open + 2;
                continue;
            }

            built.Append(text, at, open - at);
            var close = text.IndexOf('}', open);
            if (close < 0)
            {
                error = "'${' without '}'; a literal ${ is written $${";
                return false;
            }

            if (!TryResolve(text[(open + 2)..close], out var value, out error))
            {
                return false;
            }

            built.Append(value);
            at = close + 1;
            _filledIn += value.Length;
            if (_filledIn > MaxLength)
            {
                error = "the environment variables of this guide hold more than 1Mi characters together";
                return false;
            }
        }

        result = built.ToString();
        return true;
    }

    private bool TryResolve(string inside, out string value, [NotNullWhen(false)] out string? error)
    {
        var split = inside.IndexOf(":-", StringComparison.Ordinal);
        var name = split < 0 ? inside : inside[..split];
        value = "";
        error = null;
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            error = $"'${{{inside}}}' names no environment variable; write ${{NAME}} or ${{NAME:-default}}, or $${{ for a literal ${{";
            return false;
        }

        var found = environment(name);
        if (split >= 0)
        {
            value = string.IsNullOrEmpty(found) ? inside[(split + 2)..] : found;
        }
        else if (found is null)
        {
            error = $"the environment variable {name} is not set; set it, or write ${{{name}:-default}}";
            return false;
        }
        else
        {
            value = found;
        }

        if (SourceText.FindControl(value) is { } control)
        {
            error = $"the environment variable {name} holds the control character {control}";
            return false;
        }

        return true;
    }
}
