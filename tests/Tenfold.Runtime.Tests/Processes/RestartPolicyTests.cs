using FsCheck;
using FsCheck.Fluent;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Processes;

public sealed class RestartPolicyTests
{
    private static readonly RestartPolicy Policy = new();

    [Theory]
    [InlineData(0, 0, 0.99, 0, 1, false)] // the first death costs no wait
    [InlineData(1, 0, 1.0, 500, 2, false)]
    [InlineData(1, 0, 0.0, 0, 2, false)] // full jitter: anything from nothing ...
    [InlineData(2, 0, 1.0, 1000, 3, false)] // ... to a limit that doubles
    [InlineData(3, 0, 0.5, 1000, 4, false)]
    [InlineData(4, 0, 1.0, 4000, 5, true)] // five in a row are a loop
    [InlineData(7, 59_999, 1.0, 30_000, 8, true)] // not quite well
    [InlineData(7, 60_000, 1.0, 0, 1, false)] // ran well: all is forgiven
    [InlineData(1_000_000, 0, 1.0, 30_000, 1_000_001, true)] // capped, never given up
    public void Deaths_in_a_row_decide(int before, int readyForMs, double random, int waitMs, int deaths, bool loop) =>
        Assert.Equal(
            new RestartDecision(TimeSpan.FromMilliseconds(waitMs), deaths, loop),
            Policy.Decide(before, TimeSpan.FromMilliseconds(readyForMs), random));

    [Theory]
    [InlineData(0, 0, 1.0, 100)] // a store waits from its first death on
    [InlineData(0, 0, 0.0, 50)] // and never less than half of the limit
    [InlineData(1, 0, 1.0, 200)]
    [InlineData(7, 0, 1.0, 12_800)]
    [InlineData(8, 0, 1.0, 15_000)]
    [InlineData(100_000, 0, 1.0, 15_000)]
    [InlineData(4, 60_000, 1.0, 100)]
    public void A_store_waits_longer_and_starts_over_when_it_stayed_up(int before, int upMs, double random, int waitMs) =>
        Assert.Equal(TimeSpan.FromMilliseconds(waitMs), RestartPolicy.Store.Decide(before, TimeSpan.FromMilliseconds(upMs), random).Wait);

    [Fact]
    public void A_wait_is_never_negative_or_longer_than_the_longest() => Prop.ForAll<int, int>((before, tenths) =>
        RestartPolicy.Store.Decide(Math.Abs(before % 1000), TimeSpan.Zero, Math.Abs(tenths % 11) / 10.0).Wait is var wait
        && wait > TimeSpan.Zero && wait <= RestartPolicy.Store.Longest).QuickCheckThrowOnFailure();
}
