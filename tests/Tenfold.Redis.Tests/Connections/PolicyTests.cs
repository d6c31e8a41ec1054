using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Tests.Connections;

public sealed class PolicyTests
{
    [Theory]
    [InlineData(1, 0, 25)]
    [InlineData(1, 1, 50)]
    [InlineData(2, 1, 100)]
    [InlineData(4, 0.5, 300)]
    [InlineData(7, 1, 2000)]
    [InlineData(1_000_000, 0, 1000)]
    public void Pauses_double_up_to_the_longest_and_are_drawn_from_their_upper_half(int attempt, double draw, double milliseconds) =>
        Assert.Equal(milliseconds, Backoff.Pause(attempt, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2), draw).TotalMilliseconds, 3);

    [Theory]
    [InlineData(0.5, false, (int)Sign.Fine)]
    [InlineData(1, false, (int)Sign.Ask)]
    [InlineData(60, false, (int)Sign.Ask)]
    [InlineData(9.9, true, (int)Sign.Fine)]
    [InlineData(10, true, (int)Sign.Stuck)]
    public void A_silent_connection_is_asked_and_one_that_owes_an_answer_for_long_is_stuck(double silent, bool owes, int sign) =>
        Assert.Equal((Sign)sign, Liveness.Decide(TimeSpan.FromSeconds(silent), owes, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)));
}
