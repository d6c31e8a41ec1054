using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide;

/// <summary>
/// Points in time by the clock on the wall: five fields (minute, hour, day of the month, month, day of the week) as in POSIX crontab, with
/// steps (<c>*/5</c>) and names (<c>MON</c>, <c>JAN</c>). When both days are restricted, either will do. Immutable; thread-safe.
/// </summary>
/// <remarks>
/// Where clocks are put forward, a time that is left out counts at the end of the gap. Where they are put back, a time that comes twice
/// counts once, the first time; but for expressions of every hour, which count both times.
/// </remarks>
public sealed class Cron : IEquatable<Cron>
{
    // A leap day comes after eight years at the latest (1896 to 1904).
    private const int LongestWait = 366 * 9;

    private readonly ulong[] _fields; // bit n is the value n, in the order of CronFields.All
    private readonly string _text;

    private Cron(string text, ulong[] fields) => (_text, _fields) = (text, fields);

    private bool IsOfEveryHour => BitOperations.PopCount(_fields[CronFields.Hour]) == 24;

    /// <summary>Reads an expression; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Cron? cron, [NotNullWhen(false)] out string? error)
    {
        cron = CronFields.TryParse(text, out var fields, out error) ? new Cron(text, fields) : null;
        return cron is not null;
    }

    /// <summary>Reads an expression that is known to be right.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static Cron Parse(string text) => TryParse(text, out var cron, out var error) ? cron : throw new FormatException(error);

    /// <summary>Whether the minute that holds <paramref name="at"/> is one of these.</summary>
    public bool IsMatch(DateTimeOffset at, TimeZoneInfo zone) => at - LastBefore(at, zone) < TimeSpan.FromMinutes(1);

    /// <summary>The first time after <paramref name="after"/>, in UTC. Of years 10 to 9980.</summary>
    public DateTimeOffset NextAfter(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        // From the day before: a gap at midnight moves its times to the next day.
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(after, zone).Date).AddDays(-1);
        for (var i = 0; i < LongestWait; i++, day = day.AddDays(1))
        {
            if (IsDay(day) && OfDay(day, zone).Where(time => time > after).Cast<DateTimeOffset?>().Min() is { } next)
            {
                return next;
            }
        }

        throw new InvalidOperationException($"'{_text}' does not come within {LongestWait} days"); // the parser refuses those
    }

    /// <summary>The last time that is not after <paramref name="at"/>, in UTC. Of years 10 to 9980.</summary>
    public DateTimeOffset LastBefore(DateTimeOffset at, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).Date);
        for (var i = 0; i < LongestWait; i++, day = day.AddDays(-1))
        {
            if (IsDay(day) && OfDay(day, zone).Where(time => time <= at).Cast<DateTimeOffset?>().Max() is { } last)
            {
                return last;
            }
        }

        throw new InvalidOperationException($"'{_text}' does not come within {LongestWait} days");
    }

    public bool Equals(Cron? other) => other is not null && _fields.AsSpan().SequenceEqual(other._fields);

    public override bool Equals(object? obj) => Equals(obj as Cron);

    public override int GetHashCode() => _fields.Aggregate(0, HashCode.Combine);

    public override string ToString() => _text;

    private bool IsDay(DateOnly day)
    {
        var (days, weekdays) = (_fields[CronFields.Day], _fields[CronFields.Weekday]);
        var (inMonth, inWeek) = (Has(days, day.Day), Has(weekdays, (int)day.DayOfWeek));
        return Has(_fields[CronFields.Month], day.Month) && (CronFields.IsRestricted(CronFields.Day, days) && CronFields.IsRestricted(CronFields.Weekday, weekdays) ? inMonth || inWeek : inMonth && inWeek);
    }

    private IEnumerable<DateTimeOffset> OfDay(DateOnly day, TimeZoneInfo zone)
    {
        var start = day.ToDateTime(TimeOnly.MinValue);
        // On most days the offset does not change, and asking for it once will do.
        DateTimeOffset? plain = zone.IsInvalidTime(start) || zone.IsAmbiguousTime(start) || zone.GetUtcOffset(start) != zone.GetUtcOffset(start.AddDays(1))
            ? null
            : new DateTimeOffset(start, zone.GetUtcOffset(start)).ToUniversalTime();
        for (var hours = _fields[CronFields.Hour]; hours != 0; hours &= hours - 1)
        {
            for (var minutes = _fields[CronFields.Minute]; minutes != 0; minutes &= minutes - 1)
            {
                var minute = (60 * BitOperations.TrailingZeroCount(hours)) + BitOperations.TrailingZeroCount(minutes);
                if (plain is { } offset)
                {
                    yield return offset.AddMinutes(minute);
                    continue;
                }

                foreach (var time in OnTheWall(start.AddMinutes(minute), zone))
                {
                    yield return time;
                }
            }
        }
    }

    private IEnumerable<DateTimeOffset> OnTheWall(DateTime local, TimeZoneInfo zone)
    {
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(1);
        }

        var offsets = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local) : [zone.GetUtcOffset(local)];
        yield return new DateTimeOffset(local, offsets.Max()).ToUniversalTime();
        if (offsets.Length > 1 && IsOfEveryHour)
        {
            yield return new DateTimeOffset(local, offsets.Min()).ToUniversalTime();
        }
    }

    private static bool Has(ulong bits, int value) => (bits & (1UL << value)) != 0;
}
