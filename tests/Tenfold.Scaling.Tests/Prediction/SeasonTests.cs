using FsCheck;
using FsCheck.Fluent;
using Tenfold.Scaling.Prediction;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Prediction;

public sealed class SeasonTests
{
    [Theory]
    [InlineData("1.00:00:00", "00:00:10", 288, "00:05:00")]
    [InlineData("7.00:00:00", "00:00:10", 672, "00:15:00")]
    [InlineData("01:00:00", "00:00:10", 288, "00:00:12.5")]
    [InlineData("00:01:00", "00:00:10", 6, "00:00:10")]
    [InlineData("00:01:00", "00:00:15", 4, "00:00:15")]
    [InlineData("00:01:00", "00:05:00", 1, "00:01:00")] // a season shorter than the time between two decisions is one slot
    public void A_season_has_so_many_slots(string length, string shortest, int slots, string slot)
    {
        var season = new Season(Time(length), Time(shortest));

        Assert.Equal((slots, Time(slot)), (season.Slots, season.Slot));
    }

    [Fact]
    public void Slots_are_numbered_without_a_gap_and_come_back_at_their_place() => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        ArbMap.Default.ArbFor<PositiveInt>(),
        (length, passed) =>
        {
            var season = new Season(TimeSpan.FromSeconds(60 + (length.Get * 7919L % 604_740)), TimeSpan.FromSeconds(10));
            var at = Seen.Noon + TimeSpan.FromSeconds(passed.Get * 104_729.0 % 10_000_000);
            var number = season.NumberOf(at);
            Assert.InRange(season.NumberOf(at + season.Slot) - number, 1, 2); // 2 only over the end of a season, whose last slot takes what division leaves
            Assert.Equal(number + season.Slots, season.NumberOf(at + season.Length));
            Assert.Equal(season.PlaceOf(number), season.PlaceOf(season.NumberOf(at + season.Length)));
            Assert.InRange(season.PlaceOf(number), 0, season.Slots - 1);
        }).QuickCheckThrowOnFailure();

    private static TimeSpan Time(string text) => TimeSpan.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
