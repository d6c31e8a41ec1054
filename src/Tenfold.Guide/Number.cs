using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tenfold.Guide;

/// <summary>Notation of counts: <c>5</c>, <c>50k</c> (50,000), <c>1.5k</c>, <c>2M</c>. Exact; no exponent, no separators.</summary>
public static class Number
{
    private const int MaxLength = 24;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>Reads a count that may be negative or have decimals; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParseCount(string text, out decimal count, [NotNullWhen(false)] out string? error)
    {
        var factor = text.Length == 0 ? 1 : text[^1] switch { 'k' => 1_000, 'M' => 1_000_000, _ => 1 };
        var negative = text.StartsWith('-');
        var digits = text.AsSpan(negative ? 1 : 0);
        if (TryParse(factor == 1 ? digits : digits[..^1], out count))
        {
            count *= negative ? -factor : factor;
            error = null;
            return true;
        }

        error = $"expected a number such as 5 or 50k, found '{text}'";
        return false;
    }

    /// <summary>Digits with at most one point between them, nothing else.</summary>
    internal static bool TryParse(ReadOnlySpan<char> text, out decimal number)
    {
        number = 0;
        return text.Length is > 0 and <= MaxLength
            && char.IsAsciiDigit(text[0])
            && char.IsAsciiDigit(text[^1])
            && text.IndexOfAnyExcept(Digits) < 0
            && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
