using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres.Tests.Routing;

public sealed class PrimaryChoiceTests
{
    private static NodeReading? Away => null;

    [Fact]
    public void The_one_that_says_so_is_the_primary() =>
        Assert.Equal(1, PrimaryChoice.Choose([Replica(1), Primary(1), Away], -1, 0));

    [Fact]
    public void A_promoted_one_wins_over_the_old_primary_that_is_still_alive() =>
        Assert.Equal(1, PrimaryChoice.Choose([Primary(1), Primary(2)], 0, 1));

    [Fact]
    public void One_on_a_timeline_that_was_left_behind_is_none_even_when_it_is_the_only_one() =>
        Assert.Equal(-1, PrimaryChoice.Choose([Primary(1), Away], -1, 2));

    [Fact]
    public void On_equal_timelines_the_one_known_stays()
    {
        Assert.Equal(1, PrimaryChoice.Choose([Primary(1), Primary(1)], 1, 1));
        Assert.Equal(0, PrimaryChoice.Choose([Primary(1), Primary(1)], 0, 1));
    }

    [Fact]
    public void One_that_does_not_answer_stays_until_another_is_found()
    {
        Assert.Equal(0, PrimaryChoice.Choose([Away, Replica(1)], 0, 1));
        Assert.Equal(1, PrimaryChoice.Choose([Away, Primary(2)], 0, 1));
    }

    [Fact]
    public void One_that_has_become_a_replica_is_none() =>
        Assert.Equal(-1, PrimaryChoice.Choose([Replica(1), Replica(1)], 0, 1));

    private static NodeReading Primary(uint timeline) => new(true, 1, timeline, 1, default, 0);

    private static NodeReading Replica(uint timeline) => new(false, 1, timeline, 1, default, 0);
}
