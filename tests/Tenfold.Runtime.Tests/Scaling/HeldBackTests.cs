using Tenfold.Runtime.Scaling;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class HeldBackTests
{
    private readonly SetTime _time = new();

    [Fact]
    public void What_lasts_a_day_is_told_once_and_so_is_what_comes_and_goes()
    {
        var held = new HeldBack(TimeSpan.FromMinutes(1), _time);
        var told = 0;
        for (var second = 0; second < 86_400; second++)
        {
            told += held.IsNews(second % 7 == 0 ? ScalingLimit.None : ScalingLimit.Max) ? 1 : 0;
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(1, told);
    }

    [Fact]
    public void Another_reason_is_told_and_the_same_one_again_after_it_had_ended()
    {
        var held = new HeldBack(TimeSpan.FromMinutes(1), _time);
        Assert.True(held.IsNews(ScalingLimit.Max));
        Assert.True(held.IsNews(ScalingLimit.Machine));
        Assert.False(held.IsNews(ScalingLimit.Max));
        Assert.False(held.IsNews(ScalingLimit.None));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(held.IsNews(ScalingLimit.Max));
    }
}
