using System.Diagnostics;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;
using static Tenfold.Caching.Tests.Support.Caches;

namespace Tenfold.Caching.Tests;

/// <summary>What happens to caches when their Redis fails.</summary>
public sealed class RedisFaultTests
{
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
        while (since.Elapsed < TimeSpan.FromSeconds(5))
        {
            var (i, begun) = (times.Count, Stopwatch.GetTimestamp());
            Assert.Equal($"{i}", await cache.Default.GetOrCreateAsync($"key {i}", _ => ValueTask.FromResult($"{i}")));
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        Assert.True(times.Order().ElementAt(times.Count / 2) < Options.RedisTimeout.TotalMilliseconds / 10, $"median of {times.Count} requests: {times.Order().ElementAt(times.Count / 2)} ms");
        redis.Resume();
        await Wait.ForAsync("it is back", () => cache.IsCoherent);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_flush_or_with_an_empty_server_in_its_place_everything_is_loaded_anew(bool replaced)
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await CacheAsync(redis);
        await using var two = await CacheAsync(redis);
        await Read(one, "old");
        await Read(two, "old");
        if (replaced)
        {
            await redis.KillAsync();
            redis.Empty();
            await redis.StartAgainAsync();
        }
        else
        {
            await redis.SendAsync("FLUSHALL");
        }

        await Wait.ForAsync("it is loaded anew", async () => await Read(one, "new") == "new" && one.IsCoherent && two.IsCoherent);
        Assert.Contains(await Read(two, "newer"), (string[])["new", "newer"]);
        Assert.True(await one.Default.InvalidateAsync("key"));
        await Wait.ForAsync("coherent as before", async () => await Read(two, "newest") == "newest");
    }

    [Fact]
    public async Task With_answers_that_take_5_s_requests_do_not_wait_and_nothing_invalidated_comes_back()
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes");
        await using var link = new SlowLink(redis.Port);
        await using var cache = new TenfoldCache(Options, redis: link.Options);
        await cache.Ready.WaitAsync(Wait.Most);
        await Read(cache, "old");
        link.Latency = TimeSpan.FromSeconds(5);
        var times = new List<double>();
        var since = Stopwatch.StartNew();
        Assert.False(await cache.Default.InvalidateAsync("key"));
        while (since.Elapsed < TimeSpan.FromSeconds(3))
        {
            var begun = Stopwatch.GetTimestamp();
            Assert.Equal("new", await Read(cache, "new"));
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }

        Assert.True(times.Order().ElementAt(times.Count / 2) < Options.RedisTimeout.TotalMilliseconds / 10, $"median of {times.Count} requests: {times.Order().ElementAt(times.Count / 2)} ms");
        link.Latency = TimeSpan.Zero;
        await Wait.ForAsync("it is back", () => cache.IsCoherent && cache.PendingInvalidations == 0);
        await using var other = await CacheAsync(redis);
        Assert.NotEqual("old", await Read(other, "other"));
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
        for (var i = 0; i < 10; i++)
        {
            await Read(cache, "of another type");
            await cache.InvalidateTagAsync("*");
        }

        Assert.True(await cache.Default.InvalidateAsync("other")); // the circuit breaker takes such a key for no fault of Redis
        Assert.Equal("of another type", await Read(cache, "of another type"));
    }
}
