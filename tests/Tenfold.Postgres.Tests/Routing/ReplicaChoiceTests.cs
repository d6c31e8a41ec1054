using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres.Tests.Routing;

public sealed class ReplicaChoiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_caller_with_a_token_gets_only_a_replica_on_its_timeline_that_has_reached_it()
    {
        var token = new ReadToken(1, 2, new(100));
        Assert.True(ReplicaChoice.IsFit(new ReplicaState(true, 1, 2, 100, default, 0), token));
        Assert.False(ReplicaChoice.IsFit(new ReplicaState(true, 1, 2, 99, default, 0), token));
        Assert.False(ReplicaChoice.IsFit(new ReplicaState(true, 1, 1, 500, default, 0), token));
        Assert.False(ReplicaChoice.IsFit(new ReplicaState(true, 1, 3, 500, default, 0), token));
        Assert.False(ReplicaChoice.IsFit(new ReplicaState(true, 9, 2, 500, default, 0), token));
        Assert.False(ReplicaChoice.IsFit(new ReplicaState(false, 1, 2, 500, default, 0), token));
        Assert.True(ReplicaChoice.IsFit(new ReplicaState(true, 1, 2, 1, default, 0), null));
    }

    [Fact]
    public void Without_a_fit_replica_none_is_chosen()
    {
        Assert.Equal(-1, ReplicaChoice.Choose([], null, Limit, 5));
        Assert.Equal(-1, ReplicaChoice.Choose([new(false, 1, 1, 1, default, 0)], null, Limit, 5));
    }

    [Fact]
    public void Of_two_the_one_with_less_to_do_is_chosen_whatever_the_number()
    {
        ReplicaState[] replicas = [new(true, 1, 1, 1, default, 9), new(false, 1, 1, 1, default, 0), new(true, 1, 1, 1, default, 2)];
        Assert.All(Enumerable.Range(0, 50), n => Assert.Equal(2, ReplicaChoice.Choose(replicas, null, Limit, (uint)n)));
    }

    [Fact]
    public void A_late_one_counts_as_busier()
    {
        ReplicaState[] replicas = [new(true, 1, 1, 1, TimeSpan.FromSeconds(0.9), 2), new(true, 1, 1, 1, default, 3)];
        Assert.All(Enumerable.Range(0, 50), n => Assert.Equal(1, ReplicaChoice.Choose(replicas, null, Limit, (uint)n)));
    }

    [Fact]
    public void Equal_ones_share_the_reads()
    {
        ReplicaState[] replicas = [new(true, 1, 1, 1, default, 0), new(true, 1, 1, 1, default, 0), new(true, 1, 1, 1, default, 0)];
        var counts = new int[3];
        for (var i = 0u; i < 3000; i++)
        {
            counts[ReplicaChoice.Choose(replicas, null, Limit, i * 2654435761)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 700, 1300));
    }
}
