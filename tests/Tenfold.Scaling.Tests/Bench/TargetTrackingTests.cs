using ScalingDriver.Policies;
using Tenfold.Scaling.Tests.Support;

namespace Tenfold.Scaling.Tests.Bench;

/// <summary>The bench's AWS target tracking, by the minute: cpu 50%, 2 to 20 instances, cooldowns of 5 minutes.</summary>
public sealed class TargetTrackingTests
{
    private readonly TargetTracking _tracking = new(0.5, 2, 20);
    private int _minute;

    [Fact]
    public void Three_minutes_above_the_target_set_what_brings_it_back()
    {
        Assert.Equal(4, Minutes(2, 4, 0.9));
        Assert.Equal(8, Minutes(1, 4, 0.9)); // ceil(4 x 0.9 / 0.5)
    }

    [Fact]
    public void In_the_cooldown_what_was_added_is_not_asked_for_twice()
    {
        Minutes(3, 4, 0.9);

        Assert.Equal(8, Minutes(3, 8, 0.95)); // of the 4 that it began with
        Assert.Equal(8, Minutes(1, 8, 0.95));
        Assert.Equal(16, Minutes(1, 8, 0.95)); // the cooldown is over
    }

    [Fact]
    public void Fifteen_minutes_below_nine_tenths_of_it_remove_what_is_too_much()
    {
        Assert.Equal(10, Minutes(14, 10, 0.2));
        Assert.Equal(4, Minutes(1, 10, 0.2));
        Assert.Equal(4, Minutes(4, 4, 0.2));
        Assert.Equal(2, Minutes(1, 4, 0.2));
    }

    [Fact]
    public void Close_to_the_target_nothing_changes() => Assert.Equal(4, Minutes(60, 4, 0.46));

    [Fact]
    public void Without_a_sample_nothing_changes() => Assert.Equal(4, Minutes(60, 4, null));

    private int Minutes(int minutes, int count, double? cpu)
    {
        var decided = count;
        for (var i = 0; i < minutes; i++)
        {
            decided = _tracking.Decide(Seen.At(60 * _minute++, [.. Enumerable.Repeat(Seen.Ready(cpu), count)]));
        }

        return decided;
    }
}
