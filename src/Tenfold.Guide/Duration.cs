using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Tenfold.Guide;

/// <summary>Notation of durations: <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>1d</c>, <c>1.5s</c>, <c>1m30s</c>; <c>0</c> needs no unit.</summary>
public static class Duration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private static readonly (string Name, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay),
        ("h", TimeSpan.TicksPerHour),
        ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
        ("ms", TimeSpan.TicksPerMillisecond),
        ("us", TimeSpan.TicksPerMicrosecond),
    ];

    /// <summary>Reads a duration; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(string text, out TimeSpan duration, [NotNullWhen(false)] out string? error)
    {
        duration = TimeSpan.Zero;
        error = null;
        if (text == "0")
        {
            return true;
        }

        if (Number.TryParse(text, out _))
        {
            error = $"'{text}' has no unit; add one: {text}ms, {text}s, {text}m, {text}h or {text}d";
            return false;
        }

        var total = 0m;
        var next = 0; // units only get smaller: 1m30s, not 30s1m
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !Number.TryParse(rest[..digits], out var amount))
            {
                break;
            }

            rest = rest[digits..];
            var letters = rest.IndexOfAny(Digits);
            var name = letters < 0 ? rest : rest[..letters];
            var unit = -1;
            for (var i = next; i < Units.Length && unit < 0; i++)
            {
                unit = name.SequenceEqual(Units[i].Name) ? i : -1;
            }

            if (unit < 0)
            {
                break;
            }

            total += amount * Units[unit].Ticks;
            next = unit + 1;
            rest = rest[name.Length..];
        }

        if (!rest.IsEmpty || text.Length == 0)
        {
            error = $"expected a duration such as 500ms, 30s, 5m or 1h, found '{text}'";
            return false;
        }

        if (total > TimeSpan.MaxValue.Ticks || total != decimal.Truncate(total))
        {
            error = $"'{text}' is too long or too fine for a duration";
            return false;
        }

        duration = TimeSpan.FromTicks((long)total);
        return true;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads the same back: <c>1m30s</c>. Negative ones get a minus.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        var text = new StringBuilder(duration < TimeSpan.Zero ? "-" : "");
        var ticks = duration.Ticks < 0 ? (UInt128)(-(Int128)duration.Ticks) : (UInt128)duration.Ticks;
        foreach (var (name, size) in Units)
        {
            var unit = (UInt128)size;
            if (name == "us" && ticks > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(decimal)ticks / size}{name}");
            }
            else if (ticks >= unit)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(long)(ticks / unit)}{name}");
                ticks %= unit;
            }
        }

        return text.ToString();
    }
}
