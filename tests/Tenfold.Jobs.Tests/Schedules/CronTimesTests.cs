using System.Globalization;
using Tenfold.Jobs.Schedules;

namespace Tenfold.Jobs.Tests.Schedules;

/// <summary>Times are local ones with their offset; 2026-03-29 and 2026-10-25 are the days on which Berlin's clocks change.</summary>
public sealed class CronTimesTests
{
    [Theory]
    [InlineData("*/15 * * * *", "UTC", "2026-01-01T00:00Z", "2026-01-01T00:15Z 2026-01-01T00:30Z")]
    [InlineData("0 2 * * *", "UTC", "2026-01-01T02:00Z", "2026-01-02T02:00Z 2026-01-03T02:00Z")]
    [InlineData("@daily", "UTC", "2026-01-01T00:00Z", "2026-01-02T00:00Z")]
    [InlineData("@HOURLY", "UTC", "2026-01-01T00:00Z", "2026-01-01T01:00Z")]
    [InlineData("@weekly", "UTC", "2026-01-01T00:00Z", "2026-01-04T00:00Z")]
    [InlineData("@monthly", "UTC", "2026-01-01T00:00Z", "2026-02-01T00:00Z")]
    [InlineData("@yearly", "UTC", "2026-01-01T00:00Z", "2027-01-01T00:00Z")]
    [InlineData("0 9 * * 1-5", "UTC", "2026-01-02T10:00Z", "2026-01-05T09:00Z")] // a Friday, then Monday
    [InlineData("0 9 * * MON-FRI", "UTC", "2026-01-02T10:00Z", "2026-01-05T09:00Z")]
    [InlineData("0 9 * * 0", "UTC", "2026-01-01T00:00Z", "2026-01-04T09:00Z")]
    [InlineData("0 9 * * 7", "UTC", "2026-01-01T00:00Z", "2026-01-04T09:00Z")]
    [InlineData("0 9 * * sun", "UTC", "2026-01-01T00:00Z", "2026-01-04T09:00Z")]
    [InlineData("0 9 * JUL,DEC *", "UTC", "2026-01-01T00:00Z", "2026-07-01T09:00Z")]
    [InlineData("0 0 13 * 5", "UTC", "2026-02-07T00:00Z", "2026-02-13T00:00Z 2026-02-20T00:00Z")] // the 13th, and every Friday
    [InlineData("0 0 13 * FRI", "UTC", "2026-03-07T00:00Z", "2026-03-13T00:00Z")]
    [InlineData("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", "2028-02-29T00:00Z")]
    [InlineData("0 0 31 * *", "UTC", "2026-01-31T00:00Z", "2026-03-31T00:00Z")]
    [InlineData("5,35 8-10 * * *", "UTC", "2026-01-01T08:05Z", "2026-01-01T08:35Z 2026-01-01T09:05Z")]
    [InlineData("0 2 * * *", "Europe/Berlin", "2026-07-01T00:00+02:00", "2026-07-01T02:00+02:00")]
    [InlineData("0 2 * * *", "America/New_York", "2026-01-01T00:00-05:00", "2026-01-01T02:00-05:00")]
    // Clocks go from 02:00 to 03:00: half past two is left out, and comes at three.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00 2026-03-30T02:30+02:00")]
    [InlineData("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00 2026-03-29T03:30+02:00")]
    [InlineData("0 12 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00")]
    // Clocks go from 03:00 to 02:00: half past two comes once, every half hour goes on as time does.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00 2026-10-26T02:30+01:00")]
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-25T02:00+01:00", "2026-10-26T02:30+01:00")]
    [InlineData("*/30 * * * *", "Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00 2026-10-25T02:30+01:00 2026-10-25T03:00+01:00")]
    [InlineData("0 3 * * *", "Europe/Berlin", "2026-10-25T01:00+02:00", "2026-10-25T03:00+01:00")]
    public void The_next_time_is(string cron, string zone, string after, string expected)
    {
        var times = CronTimes.Parse(cron, zone);
        var at = Moment(after);
        foreach (var next in expected.Split(' '))
        {
            at = times.Next(at)!.Value;
            Assert.Equal(Moment(next), at);
            Assert.Equal(TimeSpan.Zero, at.Offset);
        }
    }

    [Theory]
    [InlineData("", "UTC", "five fields")]
    [InlineData("* * * *", "UTC", "five fields")]
    [InlineData("0 0 2 * * *", "UTC", "five fields")]
    [InlineData("60 * * * *", "UTC", "'60 * * * *' is no cron expression")]
    [InlineData("* * * * MUN", "UTC", "'* * * * MUN' is no cron expression")]
    [InlineData("0 0 30 2 *", "UTC", "'0 0 30 2 *' is no cron expression")]
    [InlineData("0 0 * * *", "Europe/Berlyn", "there is no time zone 'Europe/Berlyn'")]
    public void Anything_else_is_refused(string cron, string zone, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => CronTimes.Parse(cron, zone)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_name_is_taken_once()
    {
        var options = new JobOptions().Cron("nightly", "0 2 * * *", "UTC", 1);

        Assert.Throws<ArgumentException>(() => options.Cron("nightly", "0 3 * * *", "UTC", 1));
        Assert.Throws<FormatException>(() => options.Cron("other", "0 3 * *", "UTC", 1));
        Assert.Single(options.Schedules);
    }

    private static DateTimeOffset Moment(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
