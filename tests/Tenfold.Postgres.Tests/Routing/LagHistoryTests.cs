using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres.Tests.Routing;

public sealed class LagHistoryTests
{
    private readonly LagHistory _history = new(capacity: 4);

    [Fact]
    public void Who_has_everything_that_is_known_is_not_late_however_long_ago_that_was()
    {
        Primary(at: 0, lsn: 100);
        Assert.Equal(TimeSpan.Zero, Lag(at: 60, lsn: 100));
        Assert.Equal(TimeSpan.Zero, Lag(at: 60, lsn: 101));
    }

    [Fact]
    public void Lag_is_the_age_of_the_newest_sample_that_was_reached()
    {
        Primary(at: 1, lsn: 100);
        Primary(at: 2, lsn: 200);
        Primary(at: 3, lsn: 300);
        Assert.Equal(TimeSpan.FromSeconds(1.5), Lag(at: 3.5, lsn: 299));
        Assert.Equal(TimeSpan.FromSeconds(2.5), Lag(at: 3.5, lsn: 199));
        Assert.Null(Lag(at: 3.5, lsn: 99));
    }

    [Fact]
    public void What_is_older_than_the_history_is_not_known()
    {
        for (var i = 1; i <= 6; i++)
        {
            Primary(at: i, lsn: (ulong)i * 100);
        }

        Assert.Equal(TimeSpan.FromSeconds(3), Lag(at: 6, lsn: 300));
        Assert.Null(Lag(at: 6, lsn: 200));
    }

    [Fact]
    public void Another_timeline_s_history_says_nothing()
    {
        Primary(at: 1, lsn: 100);
        Assert.Null(Lag(at: 2, lsn: 500, timeline: 2));
        _history.Add(Reading(2, 50, 2, isPrimary: true));
        Assert.Equal(TimeSpan.Zero, Lag(at: 2, lsn: 50, timeline: 2));
        Assert.Null(Lag(at: 2, lsn: 500, timeline: 1));
    }

    private void Primary(double at, ulong lsn) => _history.Add(Reading(at, lsn, 1, isPrimary: true));

    private TimeSpan? Lag(double at, ulong lsn, uint timeline = 1) => _history.Of(Reading(at, lsn, timeline, isPrimary: false), TimeProvider.System);

    private static NodeReading Reading(double at, ulong lsn, uint timeline, bool isPrimary) =>
        new(isPrimary, 1, timeline, lsn, default, (long)(at * TimeProvider.System.TimestampFrequency));
}
