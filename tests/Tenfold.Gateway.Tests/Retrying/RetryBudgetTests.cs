using Tenfold.Gateway.Retrying;

namespace Tenfold.Gateway.Tests.Retrying;

public sealed class RetryBudgetTests
{
    private static int Take(RetryBudget budget, long second, int most)
    {
        var taken = 0;
        while (taken < most && budget.TryTake(second))
        {
            taken++;
        }

        return taken;
    }

    [Fact]
    public void A_fifth_of_the_requests_of_ten_seconds_may_be_retried()
    {
        var budget = new RetryBudget(0.2, 3);
        for (var second = 100; second < 110; second++)
        {
            for (var i = 0; i < 100; i++)
            {
                budget.AddRequest(second);
            }
        }

        Assert.Equal(200, Take(budget, 109, 1000));
        Assert.False(budget.TryTake(109));
    }

    [Fact]
    public void Three_a_second_are_always_allowed()
    {
        Assert.Equal(30, Take(new RetryBudget(0.2, 3), 100, 1000));
        Assert.Equal(0, Take(new RetryBudget(0.2, 0), 100, 1000));
    }

    [Fact]
    public void What_was_taken_comes_back_after_ten_seconds()
    {
        var budget = new RetryBudget(0.2, 3);
        Assert.Equal(30, Take(budget, 100, 1000));
        Assert.Equal(0, Take(budget, 109, 1000));
        Assert.Equal(30, Take(budget, 110, 1000));
    }

    [Fact]
    public void Requests_of_the_past_do_not_count()
    {
        var budget = new RetryBudget(0.2, 0);
        for (var i = 0; i < 100; i++)
        {
            budget.AddRequest(100);
        }

        Assert.Equal(20, Take(budget, 105, 1000));
        Assert.Equal(0, Take(budget, 111, 1000));
    }
}
