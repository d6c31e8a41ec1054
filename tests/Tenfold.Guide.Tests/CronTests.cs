using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Tenfold.Guide.Tests;

public sealed class CronTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    // The clocks of these change at 02:00, 02:00, 24:00 and 01:00, of the last one by half an hour.
    private static readonly TimeZoneInfo[] Zones =
        [.. new[] { "UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata" }.Select(TimeZoneInfo.FindSystemTimeZoneById)];

    [Theory]
    [InlineData("* * * * *", "2026-03-01T00:00:00Z", "2026-03-01T00:01:00Z")]
    [InlineData("* * * * *", "2026-03-01T00:00:59.999Z", "2026-03-01T00:01:00Z")]
    [InlineData("0 2 * * *", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z")]
    [InlineData("0 2 * * *", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z")]
    [InlineData("*/15 8-17 * * MON-FRI", "2026-03-06T17:45:00Z", "2026-03-09T08:00:00Z")]
    [InlineData("5,35 0 1 jan *", "2026-03-01T00:00:00Z", "2027-01-01T00:05:00Z")]
    [InlineData("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z")]
    [InlineData("0 0 31 * *", "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z")]
    [InlineData("0 0 13 * 5", "2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z")] // either day will do
    [InlineData("0 0 13 * 5", "2026-04-10T00:00:00Z", "2026-04-13T00:00:00Z")]
    [InlineData("0 0 * * 7", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z")]
    [InlineData("0 0 * * 0", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z")]
    [InlineData("0 0 * * 5-7", "2026-03-08T00:00:00Z", "2026-03-13T00:00:00Z")]
    [InlineData("10-50/20 6-18/6 1 */4 *", "2026-05-01T12:30:00Z", "2026-05-01T12:50:00Z")]
    [InlineData("  0   2 * *   * ", "2026-03-01T00:00:00Z", "2026-03-01T02:00:00Z")]
    public void The_next_time_and_the_one_before_it(string text, string after, string next)
    {
        var (cron, from, to) = (Cron.Parse(text), At(after), At(next));

        Assert.Equal(to, cron.NextAfter(from, TimeZoneInfo.Utc));
        Assert.Equal(to, cron.LastBefore(to, TimeZoneInfo.Utc));
        Assert.True(cron.LastBefore(to.AddTicks(-1), TimeZoneInfo.Utc) <= from);
        Assert.True(cron.IsMatch(to.AddSeconds(59), TimeZoneInfo.Utc));
    }

    [Theory] // Berlin: 02:00 is 03:00 on 29 March (01:00Z), 03:00 is 02:00 again on 25 October (01:00Z)
    [InlineData("30 2 * * *", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z")]
    [InlineData("0,20,40 2 * * *", "2026-03-28T01:40:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z")]
    [InlineData("30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z")]
    [InlineData("30 2 * * *", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")]
    [InlineData("30 * * * *", "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    [InlineData("0 3 * * *", "2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z")]
    public void Times_that_are_left_out_come_at_the_end_of_the_gap_and_those_that_come_twice_the_first_time(string text, string first, string second, string third)
    {
        var cron = Cron.Parse(text);

        Assert.Equal(At(second), cron.NextAfter(At(first), Berlin));
        Assert.Equal(At(third), cron.NextAfter(At(second), Berlin));
        Assert.Equal(At(second), cron.LastBefore(At(third).AddTicks(-1), Berlin));
        Assert.Equal(At(first), cron.LastBefore(At(second).AddTicks(-1), Berlin));
    }

    [Theory]
    [InlineData("", "expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found ''")]
    [InlineData("0 2 * *", "expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found '0 2 * *'")]
    [InlineData("0 0 2 * * *", "expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found '0 0 2 * * *'")]
    [InlineData("@daily", "expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found '@daily'")]
    [InlineData("60 2 * * *", "'60 2 * * *': '60' is no minute; allowed: 0 to 59, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 24 * * *", "'0 24 * * *': '24' is no hour; allowed: 0 to 23, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 2 0 * *", "'0 2 0 * *': '0' is no day; allowed: 1 to 31, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 2 ? * *", "'0 2 ? * *': '?' is no day; allowed: 1 to 31, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 2 * MAI *", "'0 2 * MAI *': 'MAI' is no month; allowed: 1 to 12, JAN to DEC, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 2 * * 8", "'0 2 * * 8': '8' is no weekday; allowed: 0 to 7, SUN to SAT, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 1-2-3 * * *", "'0 1-2-3 * * *': '1-2-3' is no hour; allowed: 0 to 23, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 -2 * * *", "'0 -2 * * *': '-2' is no hour; allowed: 0 to 23, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 2, * * *", "'0 2, * * *': '' is no hour; allowed: 0 to 23, *, and these in lists, ranges and steps (1,5 1-5 */5)")]
    [InlineData("0 22-2 * * *", "'0 22-2 * * *': the range of hour '22-2' falls; write it as two: 22-23,0-2")]
    [InlineData("*/0 2 * * *", "'*/0 2 * * *': the step of minute '*/0' is not a number from 1 on")]
    [InlineData("5/15 2 * * *", "'5/15 2 * * *': the step of minute '5/15' needs a range, such as 5-59/15")]
    [InlineData("0 0 30 2 *", "'0 0 30 2 *' never comes: none of its months has such a day")]
    [InlineData("0 0 31 4,6,9,11 *", "'0 0 31 4,6,9,11 *' never comes: none of its months has such a day")]
    public void What_is_no_expression_is_refused_with_the_reason(string text, string error)
    {
        Assert.False(Cron.TryParse(text, out _, out var found));
        Assert.Equal(error, found);
        Assert.Equal(error, Assert.Throws<FormatException>(() => Cron.Parse(text)).Message);
    }

    [Fact]
    public void Two_ways_to_write_the_same_are_equal()
    {
        Assert.Equal(Cron.Parse("0 0 * * 0"), Cron.Parse("0 0 * * sun"));
        Assert.Equal(Cron.Parse("0,30 * * * 7").GetHashCode(), Cron.Parse("*/30 0-23 * * 0").GetHashCode());
        Assert.NotEqual(Cron.Parse("0 2 * * *"), Cron.Parse("0 3 * * *"));
        Assert.Equal("0 2 * * *", Cron.Parse("0 2 * * *").ToString());
    }

    [Fact]
    public void Next_and_last_are_the_nearest_times_that_a_walk_over_every_minute_finds() => Prop.ForAll(Case().ToArbitrary(), c =>
    {
        var (cron, text, zone, at) = c;
        var (next, last) = (cron.NextAfter(at, zone), cron.LastBefore(at, zone));
        var walk = Enumerable.Range(1, 3 * 24 * 60).Select(minute => Minute(at).AddMinutes(minute)).FirstOrDefault(time => IsOne(text, time, zone));
        var back = Enumerable.Range(0, 3 * 24 * 60).Select(minute => Minute(at).AddMinutes(-minute)).FirstOrDefault(time => IsOne(text, time, zone));
        return next > at && last <= at
            && (walk == default ? next > at.AddDays(2) : walk == next)
            && (back == default ? last < at.AddDays(-2) : back == last)
            && cron.LastBefore(next, zone) == next && cron.NextAfter(last, zone) == next;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    // Around the nights in which the clocks of some of the zones change, expressions that come often.
    private static Gen<(Cron Cron, string Text, TimeZoneInfo Zone, DateTimeOffset At)> Case() =>
        from minute in Gen.Elements("0", "30", "*/20", "5,50", "59")
        from hour in Gen.Elements("*", "0", "1", "2", "3", "23", "*/2", "0-3")
        from weekday in Gen.Elements("*", "*", "SAT,SUN")
        from zone in Gen.Elements(Zones)
        from night in Gen.Elements("2026-03-08", "2026-03-28", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-24", "2026-10-25", "2026-11-01", "2026-07-01")
        from seconds in Gen.Choose(-40 * 3600, 40 * 3600)
        let text = $"{minute} {hour} * * {weekday}"
        select (Cron.Parse(text), text, zone, At($"{night}T00:00:00Z").AddSeconds(seconds));

    /// <summary>By the definition: what the clock on the wall shows then, or has left out just before.</summary>
    private static bool IsOne(string text, DateTimeOffset time, TimeZoneInfo zone)
    {
        var (now, before) = (TimeZoneInfo.ConvertTime(time, zone), TimeZoneInfo.ConvertTime(time.AddMinutes(-1), zone));
        for (var left = before.DateTime.AddMinutes(1); left < now.DateTime; left = left.AddMinutes(1))
        {
            if (Fits(text, left))
            {
                return true;
            }
        }

        var again = zone.IsAmbiguousTime(now.DateTime) && now.Offset == zone.GetAmbiguousTimeOffsets(now.DateTime).Min();
        return Fits(text, now.DateTime) && (!again || text.Split(' ')[1] == "*");
    }

    private static bool Fits(string text, DateTime local)
    {
        var parts = text.Split(' ');
        return Holds(parts[0], local.Minute) && Holds(parts[1], local.Hour) && (parts[4] == "*" || local.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday);

        static bool Holds(string field, int value) => field switch
        {
            "*" => true,
            ['*', '/', .. var step] => value % int.Parse(step, CultureInfo.InvariantCulture) == 0,
            "0-3" => value <= 3,
            _ => field.Split(',').Contains(value.ToString(CultureInfo.InvariantCulture)),
        };
    }

    private static DateTimeOffset Minute(DateTimeOffset at) => new(at.Ticks - (at.Ticks % TimeSpan.TicksPerMinute), at.Offset);

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
