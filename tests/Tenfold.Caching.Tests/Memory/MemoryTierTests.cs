using Tenfold.Caching.Entries;
using Tenfold.Caching.Memory;

namespace Tenfold.Caching.Tests.Memory;

public sealed class MemoryTierTests
{
    private const int Payload = 1000;

    [Fact]
    public void Memory_stays_within_its_bytes()
    {
        var tier = new MemoryTier(1 << 20);
        var partition = tier.AddPartition();
        for (var i = 0; i < 20_000; i++)
        {
            partition.Put($"key {i % 7000}", Entry(i % 3000));
            Assert.True(tier.Weight <= tier.Capacity);
        }

        Assert.True(tier.Count > 100);
        Assert.True(tier.Evictions > 0);
    }

    [Fact]
    public void A_scan_does_not_push_out_what_is_asked_for_often()
    {
        var tier = new MemoryTier(1 << 20);
        var partition = tier.AddPartition();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 200; i++)
            {
                if (!partition.TryGet($"hot {i}", out _))
                {
                    partition.Put($"hot {i}", Entry(Payload));
                }
            }
        }

        for (var i = 0; i < 50_000; i++)
        {
            partition.Put($"scan {i}", Entry(Payload));
        }

        var left = Enumerable.Range(0, 200).Count(i => partition.TryGet($"hot {i}", out _));
        Assert.True(left > 180, $"{left} of 200 hot entries are left after a scan");
    }

    [Fact]
    public void Under_a_skewed_load_it_hits_more_often_than_the_least_recently_used()
    {
        var random = new Random(42);
        var tier = new MemoryTier(512 << 10);
        var partition = tier.AddPartition();
        var capacity = (512 << 10) / (Payload + 370);
        var (recent, order) = (new Dictionary<int, LinkedListNode<int>>(), new LinkedList<int>());
        var (hits, recentHits) = (0, 0);
        for (var i = 0; i < 200_000; i++)
        {
            var key = (int)Math.Pow(20_000, random.NextDouble()); // density 1/x
            if (partition.TryGet($"{key}", out _))
            {
                hits++;
            }
            else
            {
                partition.Put($"{key}", Entry(Payload));
            }

            if (recent.TryGetValue(key, out var node))
            {
                recentHits++;
                order.Remove(node);
            }
            else if (recent.Count >= capacity)
            {
                recent.Remove(order.First!.Value);
                order.RemoveFirst();
            }

            recent[key] = order.AddLast(key);
        }

        Assert.True(hits > recentHits, $"{hits} hits; least recently used has {recentHits}");
    }

    [Fact]
    public void An_entry_larger_than_an_eighth_is_not_held_and_drops_the_one_before()
    {
        var tier = new MemoryTier(1 << 20);
        var partition = tier.AddPartition();
        partition.Put("key", Entry(10));

        Assert.False(partition.Put("key", Entry(200_000)));
        Assert.False(partition.TryGet("key", out _));
        Assert.Equal((0, 0L), (tier.Count, tier.Weight));
    }

    [Fact]
    public void Partitions_do_not_share_keys()
    {
        var tier = new MemoryTier(1 << 20);
        var (one, two) = (tier.AddPartition(), tier.AddPartition());
        one.Put("key", Entry(10));
        two.Put("key", Entry(20));
        one.Remove("key");

        Assert.False(one.TryGet("key", out _));
        Assert.True(two.TryGet("key", out var entry));
        Assert.Equal(20, entry.Payload.Length);
    }

    [Fact]
    public async Task Many_threads_leave_a_whole_structure()
    {
        var tier = new MemoryTier(1 << 18);
        var partition = tier.AddPartition();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 50_000; i++)
            {
                var key = $"{random.Next(500)}";
                switch (random.Next(10))
                {
                    case 0: partition.Remove(key); break;
                    case < 4: partition.Put(key, Entry(random.Next(2000))); break;
                    case 4 when i % 10_000 == 0: tier.Clear(); break;
                    default: partition.TryGet(key, out _); break;
                }
            }
        })));

        Assert.True(tier.Weight <= tier.Capacity);
        Assert.Equal(tier.Count, partition.Nodes.Count);
        tier.Clear();
        Assert.Equal((0, 0L), (tier.Count, tier.Weight));
    }

    [Fact]
    public void The_sketch_never_says_less_than_was_added_and_forgets_by_halves()
    {
        var sketch = new FrequencySketch(64);
        sketch.Add(1, 6);
        Assert.Equal(6, sketch.Estimate(1));
        sketch.Add(1, 100);
        Assert.Equal(15, sketch.Estimate(1));
        for (var i = 2; i < 700; i++)
        {
            sketch.Add(i);
        }

        Assert.InRange(sketch.Estimate(1), 7, 14);
    }

    internal static CacheEntry Entry(int payload) => new(
        EntryFormat.Write(EntryFlags.None, new byte[CacheEntry.VersionSize], 1000, 0, [], [], new byte[payload]), Tenfold.Caching.Coherence.TagStamp.None, new EntryTimes(0, 0, 0, 0, 0));
}
