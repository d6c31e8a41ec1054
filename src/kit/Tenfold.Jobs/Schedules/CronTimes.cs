using Quartz;

namespace Tenfold.Jobs.Schedules;

/// <summary>
/// The times of a cron expression in a time zone, as Quartz has them. Immutable and thread-safe. Where clocks are put forward, what was due at a
/// time that is left out comes at the first moment after it; where they are put back, what is due at a time that exists twice comes the first time
/// only, unless it is of every hour (<c>*</c> or <c>*/n</c> in the field of hours), which goes on as time does.
/// </summary>
internal sealed class CronTimes
{
    private const int MostTwice = 24 * 60; // minutes that exist twice, at the very most

    private static readonly Dictionary<string, string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
        ["@monthly"] = "0 0 1 * *",
        ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@hourly"] = "0 * * * *",
    };

    private readonly CronExpression _expression;
    private readonly bool _isHourly;

    private CronTimes(CronExpression expression, bool isHourly) => (_expression, _isHourly) = (expression, isHourly);

    /// <param name="cron">Minute, hour, day of the month, month, day of the week, as crontab(5) has them; where both days are given, either will do. Or a word such as <c>@daily</c>.</param>
    /// <param name="zone">Of the IANA database, such as <c>Europe/Berlin</c>.</param>
    /// <exception cref="FormatException">One of them is none; the message says which and what is wrong.</exception>
    public static CronTimes Parse(string cron, string zone)
    {
        var text = Words.GetValueOrDefault(cron.Trim(), cron.Trim());
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found))
        {
            throw new FormatException($"there is no time zone '{zone}' on this machine; expected a name such as UTC or Europe/Berlin");
        }

        try
        {
            var expression = CronExpression.Parse(text, CronFormat.Unix).WithTimeZone(found);
            return expression.GetNextValidTimeAfter(DateTimeOffset.UnixEpoch) is null
                ? throw new FormatException("it never comes")
                : new CronTimes(expression, text.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].StartsWith('*'));
        }
        catch (FormatException e)
        {
            throw new FormatException($"'{cron}' is no cron expression of five fields (minute, hour, day of the month, month, day of the week): {e.Message}", e);
        }
    }

    /// <summary>The first time after a moment; null when there is none any more.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        var next = _expression.GetNextValidTimeAfter(after);
        for (var i = 0; i < MostTwice && next is { } moment && !_isHourly && IsSecondOfTwo(moment); i++)
        {
            next = _expression.GetNextValidTimeAfter(moment);
        }

        return next?.ToUniversalTime();
    }

    private bool IsSecondOfTwo(DateTimeOffset moment)
    {
        var zone = _expression.TimeZone;
        var offset = zone.GetUtcOffset(moment);
        var wall = moment.UtcDateTime + offset;
        return zone.IsAmbiguousTime(DateTime.SpecifyKind(wall, DateTimeKind.Unspecified)) && offset == zone.GetAmbiguousTimeOffsets(DateTime.SpecifyKind(wall, DateTimeKind.Unspecified)).Min();
    }
}
