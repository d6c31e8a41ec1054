using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

public sealed class ShardMapTests
{
    private static readonly ShardDatabase[] Three = [new(0, ""), new(1, "Host=b"), new(2, "Host=c")];

    [Fact]
    public void The_first_map_splits_the_buckets_evenly()
    {
        var map = ShardMap.Even(BucketScheme.Hash(256), Three);

        Assert.Equal(1, map.Epoch);
        Assert.Equal([86, 85, 85], Three.Select(database => map.BucketsOf(database.Id).Count));
        Assert.Equal(0, map.DatabaseOf(0));
        Assert.Equal(2, map.DatabaseOf(255));
    }

    [Fact]
    public void Fewer_buckets_than_databases_leave_some_without()
    {
        var map = ShardMap.Even(BucketScheme.Hash(2), Three);

        Assert.Equal(2, map.Owners.Distinct().Count());
    }

    [Fact]
    public void A_bucket_without_a_database_is_an_error_never_a_broadcast()
    {
        var map = ShardMap.Even(BucketScheme.Hash(6), Three);

        Assert.Equal(ShardFailure.Unmapped, Assert.Throws<ShardException>(() => map.DatabaseOf(6)).Failure);
        Assert.Equal(ShardFailure.Unmapped, Assert.Throws<ShardException>(() => map.DatabaseOf(-1)).Failure);
        Assert.Equal(ShardFailure.Map, Assert.Throws<ShardException>(() => new ShardMap(1, BucketScheme.Hash(3), Three, [0, 3, 0])).Failure);
        Assert.Equal(ShardFailure.Map, Assert.Throws<ShardException>(() => new ShardMap(1, BucketScheme.Hash(3), Three, [0, 0])).Failure);
    }
}
