using Microsoft.Extensions.Caching.Hybrid;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;
using static Tenfold.Caching.Tests.Support.Caches;

namespace Tenfold.Caching.Tests;

/// <summary>Caches of several nodes on a real Redis.</summary>
public sealed class RedisCacheTests
{
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
    public async Task Keys_of_any_kind_and_values_of_a_megabyte_pass_between_nodes()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        var value = new string('v', 1 << 20);
        foreach (var key in new[] { "", "with space", "nul\0inside", "line\r\nbreak", "{brace}", "}", "\ud800", "é", new string('k', 1 << 20) })
        {
            Assert.Equal(value, await one.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult(value)));
            Assert.Equal(value, await two.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("loaded")));
            Assert.True(await one.Default.InvalidateAsync(key));
            await Wait.ForAsync("it is gone", async () => await two.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("new")) == "new");
        }
    }

    [Fact]
    public async Task A_value_over_the_limit_is_loaded_by_each_node_and_kept_by_none()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        var large = new string('x', (1 << 20) + 1);
        foreach (var cache in new[] { one, two, one })
        {
            Assert.Equal(large, await Read(cache, large));
            Assert.False(cache.Default.TryGetEntry("key", out _));
        }

        Assert.Equal((2L, 1L), (Counts(one).Loads, Counts(two).Loads));
        Assert.StartsWith(":0", await redis.SendAsync("EXISTS \"tf1:test:e:default.1:{key}\" \"tf1:test:l:default.1:{key}\""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_may_load_gets_a_value_also_when_it_joins_one_that_may_not()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        redis.Suspend(); // so that the first one still waits when the second one comes
        var first = cache.Default.GetOrCreateAsync<string?>(
            "key", _ => throw new InvalidOperationException(), new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableUnderlyingData }).AsTask();
        var second = cache.Default.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>("value")).AsTask();
        Assert.False(first.IsCompleted);
        redis.Resume();

        Assert.Equal("value", await second);
        Assert.Null(await first);
    }

    [Fact]
    public async Task Callers_that_leave_at_any_moment_leave_no_lock_behind()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            using var leaves = new CancellationTokenSource(TimeSpan.FromMicroseconds(random.Next(1500)));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cache.Default.GetOrCreateAsync(
                $"key {i}",
                async cancel =>
                {
                    await Task.Delay(Timeout.Infinite, cancel);
                    return "never";
                },
                cancellationToken: leaves.Token).AsTask());
        }

        await Wait.ForAsync("no lock is held", async () => (await redis.SendAsync("KEYS tf1:test:l:*")).StartsWith("*0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_entry_that_has_more_left_than_it_was_given_is_loaded_anew()
    {
        // What a clock of Redis that is set back an hour looks like.
        await using var redis = await RedisServer.StartAsync();
        await using var cache = await CacheAsync(redis);
        await Read(cache, "value");
        await redis.SendAsync("PEXPIRE \"tf1:test:e:default.1:{key}\" 3600000");
        await Wait.ForAsync("it is loaded anew", async () => await Read(cache, "new") == "new");

        // And one that is set forward an hour.
        await redis.SendAsync("PEXPIRE \"tf1:test:e:default.1:{key}\" 0");
        await Wait.ForAsync("it is loaded anew", async () => await Read(cache, "newer") == "newer");
    }
}
