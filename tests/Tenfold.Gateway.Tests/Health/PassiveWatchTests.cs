using Tenfold.Gateway.Health;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Health;

public sealed class PassiveWatchTests
{
    private static readonly PassiveHealth Limits = new() { Failures = 3, Within = TimeSpan.FromSeconds(10), Out = TimeSpan.FromSeconds(5) };

    [Fact]
    public void Failures_within_the_time_take_an_instance_out_for_a_while()
    {
        var watch = new PassiveWatch(Limits);
        Assert.False(watch.Failed(1000));
        Assert.False(watch.Failed(2000));
        Assert.False(watch.IsOut(2000));
        Assert.True(watch.Failed(3000));
        Assert.True(watch.IsOut(7999));
        Assert.False(watch.IsOut(8000));
    }

    [Fact]
    public void Failures_further_apart_do_not()
    {
        var watch = new PassiveWatch(Limits);
        Assert.DoesNotContain(true, Enumerable.Range(1, 50).Select(i => watch.Failed(i * 6000)));
    }

    [Fact]
    public void After_its_return_it_takes_as_many_failures_again()
    {
        var watch = new PassiveWatch(Limits);
        Assert.Equal([false, false, true], new[] { 1L, 2, 3 }.Select(watch.Failed));
        Assert.Equal([false, false, true], new[] { 6000L, 6001, 6002 }.Select(watch.Failed));
    }

    [Fact]
    public void Zero_failures_turn_it_off()
    {
        var watch = new PassiveWatch(Limits with { Failures = 0 });
        Assert.DoesNotContain(true, Enumerable.Range(1, 100).Select(i => watch.Failed(i)));
    }

    [Theory]
    [InlineData(0, 10_000, 0.1)]
    [InlineData(500, 10_000, 0.1)]
    [InlineData(5_000, 10_000, 0.5)]
    [InlineData(10_000, 10_000, 1)]
    [InlineData(0, 0, 1)]
    [InlineData(-500, 0, 1)]
    [InlineData(-500, 10_000, 0.1)]
    public void Slow_start_rises_in_a_line(long age, long duration, double expected) => Assert.Equal(expected, SlowStart.Factor(age, duration), 6);
}
