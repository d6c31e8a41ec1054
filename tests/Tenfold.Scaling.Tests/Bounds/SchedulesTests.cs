using System.Globalization;
using Tenfold.Guide;
using Tenfold.Scaling.Bounds;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Bounds;

public sealed class SchedulesTests
{
    private static readonly Scale Night = new() { Min = 3, Max = 20, Schedule = [Between("0 2 * * *", "0 6 * * *", min: 2, max: 4)] };

    [Theory]
    [InlineData("2026-07-01T01:59:59Z", 3, 20)]
    [InlineData("2026-07-01T02:00:00Z", 2, 4)]
    [InlineData("2026-07-01T05:59:59Z", 2, 4)]
    [InlineData("2026-07-01T06:00:00Z", 3, 20)]
    public void They_hold_from_one_time_to_the_other(string at, int min, int max) => Assert.Equal((min, max), At(Night, at));

    [Theory]
    [InlineData("2026-07-01T00:30:00Z", 2)] // 02:30 in Berlin in summer
    [InlineData("2026-07-01T02:30:00Z", 2)]
    [InlineData("2026-07-01T04:30:00Z", 3)]
    [InlineData("2026-12-01T00:30:00Z", 3)] // 01:30 in winter
    [InlineData("2026-12-01T01:30:00Z", 2)]
    public void They_go_by_the_clock_of_their_time_zone(string at, int min) =>
        Assert.Equal(min, At(Night with { Schedule = [Between("0 2 * * *", "0 6 * * *", min: 2, zone: "Europe/Berlin")] }, at).Min);

    [Fact]
    public void Where_two_overlap_the_larger_minimum_and_the_smaller_maximum_hold()
    {
        var scale = Night with { Schedule = [Between("0 0 * * *", "0 12 * * *", min: 4, max: 10), Between("0 8 * * *", "0 20 * * *", min: 6, max: 12)] };

        Assert.Equal((4, 10), At(scale, "2026-07-01T07:00:00Z"));
        Assert.Equal((6, 10), At(scale, "2026-07-01T09:00:00Z"));
        Assert.Equal((6, 12), At(scale, "2026-07-01T13:00:00Z"));
    }

    [Fact]
    public void A_minimum_above_the_guides_maximum_lifts_it() => Assert.Equal((30, 30), At(Night with { Schedule = [Between("0 0 * * *", "0 1 * * *", min: 30)] }, "2026-07-01T00:30:00Z"));

    [Fact]
    public void A_maximum_below_the_guides_minimum_lowers_it() => Assert.Equal((1, 1), At(Night with { Schedule = [Between("0 0 * * *", "0 1 * * *", max: 1)] }, "2026-07-01T00:30:00Z"));

    [Fact]
    public void An_answer_holds_until_something_changes_and_not_when_the_clock_is_put_back()
    {
        var (night, next) = new Schedules(Night).At(Time("2026-07-01T05:30:00Z"));
        Assert.Equal(2, night.Min);
        Assert.Same(next, next.At(Time("2026-07-01T05:59:00Z")).Next);

        var (day, later) = next.At(Time("2026-07-01T06:00:00Z"));
        Assert.Equal(3, day.Min);

        Assert.Equal(2, later.At(Time("2026-07-01T03:00:00Z")).Limits.Min);
    }

    [Fact]
    public void A_service_with_nothing_but_a_schedule_has_its_minimum_and_goes_back_after_it()
    {
        var scaler = Autoscaler.For(new Scale { Min = 2, Max = 9, Schedule = [Between("0 8 * * *", "0 18 * * *", min: 5)] });
        var night = Seen.Of([.. Enumerable.Repeat(Seen.Ready(), 2)]) with { At = Time("2026-07-01T07:00:00Z") };
        var day = night with { At = Time("2026-07-01T09:00:00Z"), Now = TimeSpan.FromHours(2) };
        var evening = Seen.Of([.. Enumerable.Repeat(Seen.Ready(), 5)]) with { At = Time("2026-07-01T19:00:00Z"), Now = TimeSpan.FromHours(12) };

        var (first, afterFirst) = scaler.Decide(night);
        var (second, afterSecond) = afterFirst.Decide(day);
        var (third, _) = afterSecond.Decide(evening);

        Assert.Equal((2, 5, 2), (first.To, second.To, third.To));
        Assert.Equal("its schedule: wants 5", second.Reason);
    }

    private static (int Min, int Max) At(Scale scale, string at)
    {
        var (limits, _) = new Schedules(scale).At(Time(at));
        return (limits.Min, limits.Max);
    }

    private static DateTimeOffset Time(string at) => DateTimeOffset.Parse(at, CultureInfo.InvariantCulture);

    private static ScaleSchedule Between(string from, string to, int? min = null, int? max = null, string zone = "UTC") =>
        new() { From = Cron.Parse(from), To = Cron.Parse(to), Min = min, Max = max, TimeZone = zone };
}
