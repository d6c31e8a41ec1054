using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

public sealed class ShardIdTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void An_id_carries_its_time_bucket_and_instance()
    {
        var clock = new SetClock { Now = Noon };
        var id = Generator(clock, instance: 127).Next(1023);

        Assert.Equal(Noon, id.Time);
        Assert.Equal(1023, id.Bucket);
        Assert.Equal(127, id.Instance);
        Assert.True(id.Value > 0);
        Assert.Equal(1023, BucketScheme.Hash(BucketScheme.Most).BucketOf(id));
    }

    [Fact]
    public void Ids_are_ordered_by_time_first()
    {
        var clock = new SetClock { Now = Noon };
        var early = Generator(clock, instance: 127).Next(1023);
        clock.Now += TimeSpan.FromMilliseconds(1);
        var late = Generator(clock, instance: 0).Next(0);

        Assert.True(early < late);
        Assert.True(ShardId.FirstAt(clock.Now) <= late && ShardId.FirstAt(clock.Now) > early);
    }

    [Fact]
    public void A_clock_that_is_set_back_repeats_and_disorders_nothing()
    {
        var clock = new SetClock { Now = Noon };
        var generator = Generator(clock);
        var ids = new List<ShardId>();
        foreach (var step in new[] { 0, 5, -3_600_000, 1, 1, 3_600_000 })
        {
            clock.Now += TimeSpan.FromMilliseconds(step);
            ids.AddRange(Enumerable.Range(0, 100).Select(_ => generator.Next(3)));
        }

        Assert.Equal(ids.Order(), ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public async Task Many_threads_at_once_get_different_ids()
    {
        var generator = Generator(new SetClock { Now = Noon });

        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 20_000).Select(n => generator.Next(n % 4)).ToArray())));

        Assert.Equal(160_000, ids.SelectMany(one => one).Distinct().Count());
        Assert.All(ids, one => Assert.Equal(one.Where(id => id.Bucket == 1).Order(), one.Where(id => id.Bucket == 1)));
    }

    [Fact]
    public void A_new_holder_of_a_number_begins_above_its_predecessor()
    {
        var clock = new SetClock { Now = Noon };
        var below = ShardId.MillisecondOf(Noon) + 60_000;

        var id = new ShardIdGenerator(1, new IdLease(0, below, below + 60_000, long.MaxValue), clock).Next(0);

        Assert.Equal(Noon.AddSeconds(60), id.Time);
    }

    [Fact]
    public void Without_a_lease_no_id_is_made()
    {
        var clock = new SetClock { Now = Noon };
        var now = ShardId.MillisecondOf(Noon);
        var generator = new ShardIdGenerator(1, new IdLease(0, now, now + 2, long.MaxValue), clock);
        Assert.Equal(64, Enumerable.Range(0, 64).Select(_ => generator.Next(0)).Distinct().Count());

        Assert.Equal(ShardFailure.Id, Assert.Throws<ShardException>(() => generator.Next(0)).Failure);
        generator.Renew(new IdLease(0, now, now + 3, long.MaxValue));
        generator.Next(0);
        generator.Renew(new IdLease(0, now, now + 100, clock.GetTimestamp() - 1));
        Assert.Throws<ShardException>(() => generator.Next(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => generator.Next(1));
    }

    [Fact]
    public void Times_that_ids_cannot_hold_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ShardId.FirstAt(ShardId.Start.AddTicks(-1)));
        Assert.Equal(2094, ShardId.FirstAt(ShardId.Start.AddMilliseconds(ShardId.LastMillisecond)).Time.Year);
        Assert.Throws<ArgumentOutOfRangeException>(() => ShardId.FirstAt(ShardId.Start.AddMilliseconds(ShardId.LastMillisecond + 1)));
    }

    private static ShardIdGenerator Generator(SetClock clock, int instance = 5) =>
        new(BucketScheme.Most, new IdLease(instance, 0, ShardId.LastMillisecond, long.MaxValue), clock);

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
