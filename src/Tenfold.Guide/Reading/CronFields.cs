using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Tenfold.Guide.Reading;

/// <summary>One field of a cron expression: what it is called, what it may hold, and names that stand for numbers.</summary>
internal sealed record CronField(string Name, int Least, int Most, IReadOnlyList<string> Names)
{
    /// <summary>All that it may hold, one bit a value.</summary>
    public ulong All => ((2UL << Most) - 1) & ~((1UL << Least) - 1);
}

/// <summary>Reads cron expressions into bits.</summary>
internal static class CronFields
{
    public const int Minute = 0;
    public const int Hour = 1;
    public const int Day = 2;
    public const int Month = 3;
    public const int Weekday = 4;

    private const int LongestText = 200;

    private static readonly CronField[] Fields =
    [
        new("minute", 0, 59, []),
        new("hour", 0, 23, []),
        new("day", 1, 31, []),
        new("month", 1, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
        new("weekday", 0, 7, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    ];

    /// <summary>Whether a field leaves something out. Sunday may be 0 or 7.</summary>
    public static bool IsRestricted(int field, ulong bits) => bits != (field == Weekday ? 0x7FUL : Fields[field].All);

    public static bool TryParse(string text, [NotNullWhen(true)] out ulong[]? fields, [NotNullWhen(false)] out string? error)
    {
        fields = null;
        var parts = text.Length > LongestText ? [] : text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != Fields.Length)
        {
            error = $"expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found '{text}'";
            return false;
        }

        var read = new ulong[Fields.Length];
        for (var i = 0; i < Fields.Length; i++)
        {
            if (Field(parts[i], Fields[i], out read[i]) is { } wrong)
            {
                error = $"'{text}': {wrong}";
                return false;
            }
        }

        read[Weekday] = (read[Weekday] | (read[Weekday] >> 7)) & 0x7F;
        error = Comes(read) ? null : $"'{text}' never comes: none of its months has such a day";
        fields = error is null ? read : null;
        return error is null;
    }

    private static string? Field(string text, CronField field, out ulong bits)
    {
        bits = 0;
        foreach (var item in text.Split(','))
        {
            if (Item(item, field, ref bits) is { } wrong)
            {
                return wrong;
            }
        }

        return null;
    }

    // *, 5, 5-9, and with a step: */2, 5-9/2
    private static string? Item(string text, CronField field, ref ulong bits)
    {
        var (range, step) = (text, 1);
        if (text.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash)
        {
            range = text[..slash];
            if (!Digits(text[(slash + 1)..], out step) || step == 0)
            {
                return $"the step of {field.Name} '{text}' is not a number from 1 on";
            }

            if (range != "*" && !range.Contains('-', StringComparison.Ordinal))
            {
                return $"the step of {field.Name} '{text}' needs a range, such as {range}-{field.Most}/{step}";
            }
        }

        var (from, to) = (field.Least, field == Fields[Weekday] ? 6 : field.Most);
        if (range != "*")
        {
            var ends = range.Split('-');
            if (ends.Length > 2 || !Value(ends[0], field, out from) || !Value(ends[^1], field, out to))
            {
                return $"'{text}' is no {field.Name}; allowed: {field.Least} to {field.Most}{(field.Names.Count > 0 ? $", {field.Names[0]} to {field.Names[^1]}" : "")}, *, and these in lists, ranges and steps (1,5 1-5 */5)";
            }

            if (from > to)
            {
                return $"the range of {field.Name} '{range}' falls; write it as two: {from}-{field.Most},{field.Least}-{to}";
            }
        }

        for (var value = from; value <= to; value += step)
        {
            bits |= 1UL << value;
        }

        return null;
    }

    private static bool Value(string text, CronField field, out int value)
    {
        for (var i = 0; i < field.Names.Count; i++)
        {
            if (string.Equals(text, field.Names[i], StringComparison.OrdinalIgnoreCase))
            {
                value = i + field.Least;
                return true;
            }
        }

        return Digits(text, out value) && value >= field.Least && value <= field.Most;
    }

    private static bool Digits(string text, out int value)
    {
        value = 0;
        return text.Length <= 4 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static bool Comes(ulong[] fields)
    {
        if (IsRestricted(Weekday, fields[Weekday]))
        {
            return true;
        }

        var first = BitOperations.TrailingZeroCount(fields[Day]);
        return Enumerable.Range(1, 12).Any(month => (fields[Month] & (1UL << month)) != 0 && first <= DateTime.DaysInMonth(2000, month));
    }
}
