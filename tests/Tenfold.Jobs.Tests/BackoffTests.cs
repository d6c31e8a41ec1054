namespace Tenfold.Jobs.Tests;

public sealed class BackoffTests
{
    [Theory]
    [InlineData(1, 0.5, 2)]
    [InlineData(2, 0.5, 4)]
    [InlineData(5, 0.5, 32)]
    [InlineData(1, 0, 1.6)]
    [InlineData(1, 1, 2.4)]
    [InlineData(30, 0.5, 3600)]
    [InlineData(20_000, 0.5, 3600)]
    public void Pauses_double_up_to_the_longest_and_vary_by_a_fifth(int failures, double random, double seconds) =>
        Assert.Equal(seconds, new Backoff().After(failures, random).TotalSeconds, 6);

    [Fact]
    public void A_factor_of_one_is_a_fixed_pause_and_none_stays_none()
    {
        Assert.Equal(TimeSpan.FromSeconds(5), new Backoff { First = TimeSpan.FromSeconds(5), Factor = 1, Jitter = 0 }.After(7, 0.9));
        Assert.Equal(TimeSpan.Zero, new Backoff { First = TimeSpan.Zero }.After(30_000, 0.9));
    }
}
