using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Tenfold.AspNetCore.Errors;

namespace Commons.Http;

/// <summary>
/// Reads a query string strictly: every parameter is asked for once, and whatever is unknown, doubled, malformed or out of
/// range becomes an error under its name. Ask for all of them, then look at <see cref="AnswerErrorsAsync"/>.
/// </summary>
public sealed class QueryParameters
{
    private const int MostParameters = 24;

    private readonly List<(string Name, string Value, bool Asked)> _given = [];
    private readonly List<string> _known = [];
    private Dictionary<string, string[]>? _errors;

    public QueryParameters(HttpContext context)
    {
        foreach (var pair in new QueryStringEnumerable(context.Request.QueryString.Value))
        {
            var name = pair.DecodeName().ToString();
            if (_given.Count == MostParameters)
            {
                Wrong("query", $"has more than {MostParameters} parameters");
                break;
            }

            if (_given.Exists(other => other.Name == name))
            {
                Wrong(name, "is given twice; give it once");
            }

            _given.Add((name, pair.DecodeValue().ToString(), false));
        }
    }

    /// <summary>A whole number within bounds.</summary>
    public int Number(string name, int ifAbsent, int least, int most) => OptionalNumber(name, least, most) ?? ifAbsent;

    /// <summary>A whole number within bounds, or null when it is not given.</summary>
    public int? OptionalNumber(string name, int least, int most)
    {
        if (Take(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        Wrong(name, $"is '{Shorten(text)}'; it must be a whole number from {least} to {most}");
        return null;
    }

    /// <summary>A decimal number with at most <paramref name="decimals"/> decimals, in units of the last one (12.5 with 2 decimals is 1250).</summary>
    public int? OptionalDecimal(string name, int decimals, decimal least, decimal most)
    {
        if (Take(name) is not { } text)
        {
            return null;
        }

        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (decimal.TryParse(text, Style, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most && number.Scale <= decimals)
        {
            return (int)(number * (decimal)Math.Pow(10, decimals));
        }

        Wrong(name, $"is '{Shorten(text)}'; it must be a number from {least} to {most} with at most {decimals} decimals");
        return null;
    }

    /// <summary>Text of 1 to <paramref name="most"/> characters without control characters, or null when it is not given.</summary>
    public string? Text(string name, int most)
    {
        if (Take(name) is not { } text)
        {
            return null;
        }

        if (text.Length > most)
        {
            Wrong(name, $"has {text.Length} characters; at most {most} are allowed");
            return null;
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            Wrong(name, "is empty");
            return null;
        }

        if (text.AsSpan().ContainsAnyInRange('\0', '\x1F'))
        {
            Wrong(name, "has control characters");
            return null;
        }

        return text;
    }

    /// <summary>One of a few words.</summary>
    public T Choice<T>(string name, T ifAbsent, IReadOnlyDictionary<string, T> choices)
    {
        if (Take(name) is not { } text)
        {
            return ifAbsent;
        }

        if (choices.TryGetValue(text, out var choice))
        {
            return choice;
        }

        Wrong(name, $"is '{Shorten(text)}'; it must be one of {string.Join(", ", choices.Keys)}");
        return ifAbsent;
    }

    public void Wrong(string name, string message)
    {
        _errors ??= new Dictionary<string, string[]>(StringComparer.Ordinal);
        _errors.TryAdd(Shorten(name), [message]);
    }

    /// <summary>True when everything given was asked for and right; else a 400 has been written.</summary>
    public async ValueTask<bool> AnswerErrorsAsync(HttpContext context)
    {
        foreach (var (name, _, asked) in _given)
        {
            if (!asked)
            {
                Wrong(name, $"is not known here; known are {(_known.Count == 0 ? "none" : string.Join(", ", _known))}");
            }
        }

        if (_errors is null)
        {
            return true;
        }

        await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "The query is not valid: " + string.Join("; ", _errors.Select(error => $"{error.Key} {error.Value[0]}")) + ".", _errors);
        return false;
    }

    private string? Take(string name)
    {
        _known.Add(name);
        for (var i = 0; i < _given.Count; i++)
        {
            if (_given[i].Name == name && !_given[i].Asked)
            {
                _given[i] = _given[i] with { Asked = true };
                return _given[i].Value;
            }
        }

        return null;
    }

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
