using System.Diagnostics;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Caching.Tests;

/// <summary>Caches on a real Redis, and what happens to them when it fails.</summary>
public sealed class RedisCacheTests
{
    private static readonly CachePolicy Policy = new() { Ttl = TimeSpan.FromMinutes(10), HardTimeout = Wait.Most };

    [Fact]
    public async Task What_one_node_loads_the_others_do_not()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);

        Assert.Equal("1", await Read(one, "1"));
        Assert.Equal("1", await Read(two, "2"));
        Assert.Equal((1L, 0L), (Counts(one).Loads, Counts(two).Loads));
        Assert.Equal(1, Counts(two).RedisHits);
    }

    [Fact]
    public async Task An_invalidation_is_seen_by_the_others_within_50_ms_at_the_median()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis, bound: new CacheOptions().PropagationBound);
        await using var two = await CacheAsync(redis, bound: one.PropagationBound);
        var i = 0;
        await Propagation.IsQuickAsync(
            one.PropagationBound,
            median: TimeSpan.FromMilliseconds(50),
            change: async () =>
            {
                await Read(one, $"{++i}");
                await Read(two, $"{i}");
                Assert.True(i % 2 == 0 ? await one.InvalidateTagAsync("tag") : await one.Default.InvalidateAsync("key"));
            },
            sees: async () => await Read(two, $"{i + 1}") == $"{i + 1}");
    }

    [Fact]
    public async Task A_value_put_by_one_node_replaces_that_of_the_others()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        await Read(one, "old");
        await Read(two, "old");
        await one.Default.SetAsync("key", "new");

        Assert.Equal("new", await Read(one, "loaded"));
        await Wait.ForAsync("the other node sees it", async () => await Read(two, "loaded") == "new");
    }

    [Fact]
    public async Task A_load_that_another_node_invalidates_loads_again()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        foreach (var byTag in new[] { false, true })
        {
            var (source, loads) = ("old", 0);
            var value = await one.Default.GetOrCreateAsync($"key {byTag}", async cancel =>
            {
                var seen = source;
                if (loads++ == 0)
                {
                    source = "new";
                    Assert.True(byTag ? await two.InvalidateTagAsync("tag", cancel) : await two.Default.InvalidateAsync($"key {byTag}", cancel));
                }

                return seen;
            }, tags: ["tag"]);

            Assert.Equal("new", value);
            Assert.Equal("new", await two.Default.GetOrCreateAsync($"key {byTag}", _ => ValueTask.FromResult("loaded again"), tags: ["tag"]));
        }
    }

    [Fact]
    public async Task A_thousand_callers_in_four_processes_load_a_cold_key_once()
    {
        await using var redis = await RedisServer.StartAsync();
        var nodes = Enumerable.Range(0, 4).Select(_ => new NodeProcess("cold", redis.Url, "250")).ToArray();
        try
        {
            foreach (var node in nodes)
            {
                await node.ReadyAsync();
            }

            for (var round = 0; round < 5; round++)
            {
                foreach (var node in nodes)
                {
                    await node.SayAsync($"key {round}");
                }

                var lines = await Task.WhenAll(nodes.Select(node => node.LineAsync()));
                Assert.Equal(["loads 0 wrong 0", "loads 0 wrong 0", "loads 0 wrong 0", "loads 1 wrong 0"], lines.Order());
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_dead_lock_holder_delays_the_others_for_a_bounded_time()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        await redis.SendAsync("SET \"tf1:test:l:default.1:{key}\" \"feedfeedfeedfeed|1\" PX 600000");
        await using var other = await CacheAsync(redis);

        Assert.Equal("value", await Read(cache, "value"));
        Assert.Equal("value", await Read(other, "only if it was not stored, under the lock that was taken over"));
    }

    [Fact]
    public async Task Nodes_that_wait_for_a_living_holder_get_its_value()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        var value = new TaskCompletionSource<string>();
        var first = one.Default.GetOrCreateAsync("key", async _ => await value.Task).AsTask();
        await Wait.ForAsync("the lock is taken", async () => (await redis.SendAsync("EXISTS \"tf1:test:l:default.1:{key}\"")).StartsWith(":1", StringComparison.Ordinal));
        var second = Read(two, "second").AsTask();
        var asked = await ScriptsAsync();
        await Wait.ForAsync("the other asks for the lock again and again", async () => await ScriptsAsync() > asked + 2);
        value.SetResult("first");

        Assert.Equal("first", await first);
        Assert.Equal("first", await second);
        Assert.Equal(0, Counts(two).Loads);

        async Task<long> ScriptsAsync()
        {
            var calls = (await redis.SendAsync("INFO commandstats")).Split("cmdstat_evalsha:calls=")[1];
            return long.Parse(calls[..calls.IndexOf(',', StringComparison.Ordinal)]);
        }
    }

    [Fact]
    public async Task A_stale_value_stands_in_and_an_invalidated_one_does_not()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis, Policy with { Ttl = TimeSpan.FromMilliseconds(30), Stale = TimeSpan.FromMinutes(1), Throttle = TimeSpan.Zero });
        await Read(cache, "value");
        await Wait.ForAsync("it expires", () => !cache.Default.TryGetEntry("key", out _));

        Assert.Equal("value", await Failing(cache));
        Assert.Equal(1, Counts(cache).Stale);
        await cache.Default.InvalidateAsync("key");
        await Assert.ThrowsAsync<InvalidOperationException>(() => Failing(cache).AsTask());

        static ValueTask<string> Failing(TenfoldCache cache) => cache.Default.GetOrCreateAsync<string>("key", _ => throw new InvalidOperationException(), tags: ["tag"]);
    }

    [Fact]
    public async Task Without_memory_in_Redis_everything_goes_on_and_invalidations_hold()
    {
        await using var redis = await RedisServer.StartAsync("--maxmemory", "3mb", "--maxmemory-policy", "noeviction");
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        await Read(one, "old");
        await Read(two, "old");
        var i = 0;
        await Wait.ForAsync("Redis is full", async () =>
        {
            var filler = new string((char)('a' + (i++ % 26)), 200_000);
            Assert.Equal(filler, await one.Default.GetOrCreateAsync($"filler {i}", _ => ValueTask.FromResult(filler)));
            return (await redis.SendAsync("SET x y")).Contains("OOM", StringComparison.Ordinal);
        });
        Assert.True(await two.InvalidateTagAsync("tag"));
        await Wait.ForAsync("the other node drops it", async () => await Read(one, "new") == "new");
        Assert.True(await two.Default.InvalidateAsync("key"));
        await Wait.ForAsync("and again", async () => await Read(one, "newer") == "newer");
        await two.Default.SetAsync("key", "put");
        Assert.NotEqual("newer", await Read(two, "loaded"));
    }

    [Fact]
    public async Task Without_Redis_it_works_from_the_start_and_becomes_coherent_when_Redis_comes()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using var cache = new TenfoldCache(Options, redis: redis.Options());
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("value", await Read(cache, "value"));
        }

        Assert.Equal(1, Counts(cache).Loads); // kept for the bound on propagation
        Assert.False(cache.IsCoherent);
        await redis.StartAgainAsync();
        await cache.Ready.WaitAsync(Wait.Most);
        await cache.Default.InvalidateAsync("key");
        await Read(cache, "value");
        await using var other = await CacheAsync(redis);
        Assert.Equal("value", await Read(other, "other"));
    }

    [Fact]
    public async Task What_was_invalidated_while_Redis_was_away_is_gone_when_it_is_back()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var cache = await CacheAsync(redis);
        await cache.Default.GetOrCreateAsync("by key", _ => ValueTask.FromResult("old"));
        await cache.Default.GetOrCreateAsync("by tag", _ => ValueTask.FromResult("old"), tags: ["tag"]);
        await redis.KillAsync();

        Assert.False(await cache.Default.InvalidateAsync("by key"));
        Assert.False(await cache.InvalidateTagAsync("tag"));
        Assert.Equal(2, cache.PendingInvalidations);
        Assert.Equal("new", await cache.Default.GetOrCreateAsync("by key", _ => ValueTask.FromResult("new")));
        await redis.StartAgainAsync();
        await Wait.ForAsync("it has told Redis", () => cache.IsCoherent && cache.PendingInvalidations == 0);
        await using var other = await CacheAsync(redis);
        Assert.Equal("newer", await other.Default.GetOrCreateAsync("by key", _ => ValueTask.FromResult("newer")));
        Assert.Equal("newer", await other.Default.GetOrCreateAsync("by tag", _ => ValueTask.FromResult("newer"), tags: ["tag"]));
    }

    [Fact]
    public async Task More_invalidations_than_the_journal_holds_invalidate_everything()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await using var cache = await CacheAsync(redis, Options with { JournalSize = 10 });
        await Read(cache, "old");
        redis.Suspend(); // what it held is still there afterwards
        for (var i = 0; i < 11; i++)
        {
            await cache.Default.InvalidateAsync($"other {i}");
        }

        Assert.Equal(10, cache.PendingInvalidations);
        redis.Resume();
        await Wait.ForAsync("it has told Redis", () => cache.IsCoherent);
        await using var other = await CacheAsync(redis);
        Assert.Equal("new", await Read(other, "new"));
    }

    [Fact]
    public async Task A_server_that_comes_back_with_an_older_state_does_not_bring_old_values_back()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        await Read(cache, "old");
        await redis.SendAsync("SAVE");
        Assert.True(await cache.Default.InvalidateAsync("key"));
        await redis.KillAsync();
        await redis.StartAgainAsync();
        Assert.Contains(":1", await redis.SendAsync("EXISTS \"tf1:test:e:default.1:{key}\""), StringComparison.Ordinal);

        await Wait.ForAsync("it is back", () => cache.IsCoherent);
        Assert.Equal("new", await Read(cache, "new"));
    }

    [Fact]
    public async Task A_Redis_that_hangs_costs_few_requests_a_wait_and_fails_none()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis, Options);
        await Read(cache, "value");
        redis.Suspend();
        var times = new List<double>();
        var since = Stopwatch.StartNew();
        while (since.Elapsed < TimeSpan.FromSeconds(4))
        {
            var (i, begun) = (times.Count, Stopwatch.GetTimestamp());
            Assert.Equal($"{i}", await cache.Default.GetOrCreateAsync($"key {i}", _ => ValueTask.FromResult($"{i}")));
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        Assert.True(times.Order().ElementAt(times.Count / 2) < Options.RedisTimeout.TotalMilliseconds / 10, $"median of {times.Count} requests: {times.Order().ElementAt(times.Count / 2)} ms");
        redis.Resume();
        await Wait.ForAsync("it is back", () => cache.IsCoherent);
    }

    [Fact]
    public async Task Keys_and_values_of_a_megabyte_pass()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        var (key, value) = (new string('k', 1 << 20), new string('v', 1 << 20));
        Assert.Equal(value, await one.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult(value)));
        Assert.Equal(value, await two.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("loaded")));
        Assert.True(await one.Default.InvalidateAsync(key));
        await Wait.ForAsync("it is gone", async () => await two.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("new")) == "new");
    }

    [Fact]
    public async Task A_key_in_Redis_that_is_no_entry_is_replaced()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        foreach (var command in new[] { "SET \"tf1:test:e:default.1:{key}\" rubbish", "SET \"tf1:test:e:default.1:{key}\" \"TFC1 and then something that is no entry at all\"" })
        {
            await redis.SendAsync(command);
            Assert.Equal("value", await Read(cache, "value"));
            Assert.Equal("value", await Read(cache, "other"));
            await cache.Default.RemoveAsync("key");
        }

        await redis.SendAsync("LPUSH \"tf1:test:e:default.1:{key}\" x");
        Assert.Equal("of another type", await Read(cache, "of another type"));
    }

    private static CacheOptions Options { get; } = new() { System = "test", DefaultPolicy = Policy };

    private static Task<TenfoldCache> CacheAsync(RedisServer redis, CachePolicy? policy = null, TimeSpan? bound = null)
    {
        var options = Patient.Options(Options) with { DefaultPolicy = policy ?? Policy };
        return CacheAsync(redis, options with { PropagationBound = bound ?? options.PropagationBound });
    }

    private static async Task<TenfoldCache> CacheAsync(RedisServer redis, CacheOptions options)
    {
        var cache = new TenfoldCache(options, redis: redis.Options());
        await cache.Ready.WaitAsync(Wait.Most);
        return cache;
    }

    private static ValueTask<string> Read(TenfoldCache cache, string loaded) => cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(loaded), tags: ["tag"]);

    private static Metrics.CacheCounts Counts(TenfoldCache cache) => cache.Counts.Single(c => c.Policy == "default");
}
