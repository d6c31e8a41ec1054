using FsCheck;
using FsCheck.Fluent;
using Tenfold.Postgres.Partitions;

namespace Tenfold.Postgres.Tests.Partitions;

public sealed class PartitionPlanTests
{
    private static readonly Gen<DateTime> Times = Gen.Choose(0, 200 * 365 * 24).Select(hours => new DateTime(1950, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(hours));

    private static readonly Gen<PartitionPeriod> Periods = Gen.Elements(Enum.GetValues<PartitionPeriod>());

    [Theory]
    [InlineData(PartitionPeriod.Day, "2024-02-29", "2024-03-01", "orders_p20240229")]
    [InlineData(PartitionPeriod.Week, "2024-02-26", "2024-03-04", "orders_p20240226")]
    [InlineData(PartitionPeriod.Month, "2024-02-01", "2024-03-01", "orders_p202402")]
    [InlineData(PartitionPeriod.Year, "2024-01-01", "2025-01-01", "orders_p2024")]
    public void A_period_is_that_of_the_calendar(PartitionPeriod every, string from, string to, string name)
    {
        var start = PartitionPlan.Floor(Utc("2024-02-29").AddHours(23), every);
        Assert.Equal((Utc(from), Utc(to), name), (start, PartitionPlan.Add(start, every, 1), PartitionPlan.Name("orders", every, start)));
    }

    [Fact]
    public void What_is_made_covers_every_moment_once_whatever_was_there() => Prop.ForAll(
        Times.ToArbitrary(), Periods.SelectMany(_ => Periods, (before, after) => (before, after)).ToArbitrary(), Gen.Choose(0, 10).ToArbitrary(), (now, periods, ahead) =>
    {
        var before = new PartitionedTable { Table = "t", By = "at", Every = periods.before, Ahead = ahead % 4 };
        var after = before with { Every = periods.after, Ahead = ahead };
        var old = PartitionPlan.Missing(before, [], now);
        PartitionRange[] all = [.. old.Concat(PartitionPlan.Missing(after, old, now)).OrderBy(range => range.From)];
        Assert.All(all.Zip(all.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From)); // neither gap nor overlap
        Assert.True(all[0].From < now && all[^1].To >= PartitionPlan.Add(PartitionPlan.Floor(now, after.Every), after.Every, ahead + 1));
        Assert.Equal(all.Length, all.Select(range => PartitionPlan.Name("t", old.Contains(range) ? before.Every : after.Every, range.From)).Distinct().Count());
        Assert.Empty(PartitionPlan.Missing(after, all, now));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_would_be_dropped_at_once_is_not_made() => Prop.ForAll(Times.ToArbitrary(), Periods.ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (now, every, hours) =>
    {
        var table = new PartitionedTable { Table = "t", By = "at", Every = every, Keep = TimeSpan.FromHours(hours) };
        Assert.DoesNotContain(PartitionPlan.Missing(table, [], now), range => PartitionPlan.IsOver(table, range, now));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')", "2026-11-01", "2026-12-01")]
    [InlineData("FOR VALUES FROM ('2026-11-01 00:00:00') TO ('2026-11-01 12:30:00.5')", "2026-11-01", "2026-11-01T12:30:00.5")]
    [InlineData("FOR VALUES FROM ('2026-11-01') TO ('2026-11-02')", "2026-11-01", "2026-11-02")]
    public void Bounds_are_read(string text, string from, string to) => Assert.Equal(new PartitionRange(Utc(from), Utc(to)), PartitionRange.Parse(text));

    [Theory]
    [InlineData("FOR VALUES FROM (MINVALUE) TO ('infinity')")]
    public void Bounds_without_end_never_are_over(string text)
    {
        Assert.Equal(new PartitionRange(DateTime.MinValue, DateTime.MaxValue), PartitionRange.Parse(text));
        Assert.False(PartitionPlan.IsOver(new PartitionedTable { Table = "t", By = "at", Every = PartitionPeriod.Day, Keep = TimeSpan.Zero }, PartitionRange.Parse(text), Utc("2026-01-01")));
    }

    [Theory]
    [InlineData("DEFAULT")]
    [InlineData("FOR VALUES IN ('a')")]
    [InlineData("FOR VALUES FROM ('a') TO ('b')")]
    [InlineData("FOR VALUES FROM ('2026-11-01', 1) TO ('2026-11-02', 1)")]
    public void Bounds_that_are_not_understood_are_named(string text) =>
        Assert.Contains(text, Assert.Throws<PartitionException>(() => PartitionRange.Parse(text)).Message, StringComparison.Ordinal);

    private static DateTime Utc(string text) =>
        DateTime.Parse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal);
}
