using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Tests.Pacing;

public sealed class ArrivalPacingTests
{
    private static readonly Arbitrary<LoadStage[]> AnyStages =
        (from seconds in Gen.Choose(0, 600)
         from rate in Gen.Choose(0, 5000)
         select Stage(seconds / 10.0, rate / 10.0)).ArrayOf().Where(s => s.Length > 0).ToArbitrary();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.0099, 0)]
    [InlineData(0.01, 1)]
    [InlineData(1, 100)]
    [InlineData(9.995, 999)]
    [InlineData(10, 1000)]
    [InlineData(11, 1000)]
    public void A_constant_rate_gives_evenly_spaced_arrivals(double seconds, long due) =>
        Assert.Equal(due, new ArrivalPacing([Stage(0, 100), Stage(10, 100)]).Due(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(1, 5)] // 10/s² · 1² / 2
    [InlineData(2, 20)]
    [InlineData(5, 125)]
    [InlineData(10, 500)]
    [InlineData(15, 1000)] // 100/s from here
    [InlineData(20, 1500)]
    [InlineData(25, 1875)] // and down to 0 in 10 s
    [InlineData(30, 2000)]
    public void A_ramp_gives_the_integral_of_its_line(double seconds, long due) =>
        Assert.Equal(due, new ArrivalPacing([Stage(10, 100), Stage(10, 100), Stage(10, 0)]).Due(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0.1, 100, 10)]
    [InlineData(1.0 / 3, 30, 10)]
    [InlineData(0.7, 10, 7)]
    [InlineData(10_000, 3600, 36_000_000)]
    public void No_arrival_is_lost_to_rounding(double rate, double seconds, long total) =>
        Assert.Equal(total, new ArrivalPacing([Stage(0, rate), Stage(seconds, rate)]).Total);

    [Fact]
    public void The_time_of_an_arrival_is_when_it_becomes_due() => Prop.ForAll(AnyStages, stages =>
    {
        var pacing = new ArrivalPacing(stages);
        return Enumerable.Range(0, 20).Select(i => 1 + (pacing.Total - 1) * i / 19).Where(n => n >= 1 && n <= pacing.Total).All(n =>
        {
            var time = pacing.TimeOf(n);
            return pacing.Due(time + TimeSpan.FromMicroseconds(20)) >= n && (n == 1 || pacing.TimeOf(n - 1) <= time)
                && (time < TimeSpan.FromMicroseconds(200) || pacing.Due(time - TimeSpan.FromMicroseconds(200)) < n);
        });
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Arrivals_never_go_down() => Prop.ForAll(AnyStages, stages =>
    {
        var pacing = new ArrivalPacing(stages);
        var due = Enumerable.Range(0, 200).Select(i => pacing.Due(Stages.Total(stages) * i / 199)).ToArray();
        return due.Order().SequenceEqual(due) && due[^1] == pacing.Total;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_arrival_that_does_not_exist_has_no_time()
    {
        var pacing = new ArrivalPacing([Stage(0, 1), Stage(1, 1)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => pacing.TimeOf(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => pacing.TimeOf(2));
    }

    private static LoadStage Stage(double seconds, double rate) => new() { For = TimeSpan.FromSeconds(seconds), Rate = rate };
}
