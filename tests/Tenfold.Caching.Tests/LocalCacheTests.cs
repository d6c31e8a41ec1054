using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Hybrid;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Tests.Support;

namespace Tenfold.Caching.Tests;

/// <summary>The cache of one process, without Redis.</summary>
public sealed class LocalCacheTests
{
    private readonly SetTime _time = new();

    [Fact]
    public async Task Callers_at_the_same_time_share_one_load()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        var loads = 0;
        var begun = new TaskCompletionSource();
        var values = Enumerable.Range(0, 1000).Select(_ => cache.Default.GetOrCreateAsync("key", async _ =>
        {
            Interlocked.Increment(ref loads);
            await begun.Task;
            return "value";
        }).AsTask()).ToArray();
        begun.SetResult();

        Assert.All(await Task.WhenAll(values), value => Assert.Equal("value", value));
        Assert.Equal(1, loads);
        Assert.Equal("value", await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult("other")));
        Assert.Equal(999, cache.Counts[0].Coalesced);
    }

    [Fact]
#pragma warning disable CA2012 // It is looked at before it is awaited, which is the point.
    public async Task A_hit_in_memory_allocates_nothing()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Tags = ["tag"] });
        await cache.Default.GetOrCreateAsync("key", 1, Load);
        string[] tags = ["a"];
        for (var i = 0; i < 100; i++)
        {
            await cache.Default.GetOrCreateAsync("key", 1, Load, tags: tags);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            var hit = cache.Default.GetOrCreateAsync("key", 1, Load, tags: tags);
            Assert.True(hit.IsCompletedSuccessfully);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        static ValueTask<string> Load(int state, CancellationToken cancel) => ValueTask.FromResult("value " + state);
    }
#pragma warning restore CA2012

    [Fact]
    public async Task A_value_lives_as_long_as_its_policy_says_whatever_the_wall_clock_does()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Jitter = 0 });
        Assert.Equal(1, await Next(cache));
        _time.Wall = _time.Wall.AddHours(1);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, await Next(cache));
        _time.Wall = _time.Wall.AddHours(-5);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, await Next(cache));
    }

    [Fact]
    public async Task Jitter_spreads_lifetimes_below_the_ttl()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromSeconds(100), Jitter = 0.5 });
        var lifetimes = new List<double>();
        for (var i = 0; i < 200; i++)
        {
            lifetimes.Add((await cache.Default.GetEntryAsync($"{i}", 0, Bytes)).Lifetime.TotalSeconds);
        }

        Assert.InRange(lifetimes.Min(), 50, 60);
        Assert.InRange(lifetimes.Max(), 90, 100);
    }

    [Fact]
    public async Task A_stale_value_stands_in_for_a_load_that_fails_and_the_load_is_throttled()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Stale = TimeSpan.FromHours(1), Throttle = TimeSpan.FromSeconds(5), Jitter = 0 });
        await Next(cache);
        _time.Advance(TimeSpan.FromMinutes(2));
        var tries = 0;
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(1, await cache.Default.GetOrCreateAsync<int>("key", _ => throw new InvalidOperationException($"try {++tries}")));
        }

        Assert.Equal(1, tries);
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(1, await cache.Default.GetOrCreateAsync<int>("key", _ => throw new InvalidOperationException($"try {++tries}")));
        Assert.Equal(2, tries);
        _time.Advance(TimeSpan.FromHours(2));
        await Assert.ThrowsAsync<InvalidOperationException>(() => cache.Default.GetOrCreateAsync<int>("key", _ => throw new InvalidOperationException()).AsTask());
        Assert.Equal(11, cache.Counts[0].Stale);
    }

    [Fact]
    public async Task An_invalidated_value_never_stands_in()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Stale = TimeSpan.FromHours(1) });
        await Next(cache);
        await cache.Default.RemoveAsync("key");

        await Assert.ThrowsAsync<InvalidOperationException>(() => cache.Default.GetOrCreateAsync<int>("key", _ => throw new InvalidOperationException()).AsTask());
    }

    [Fact]
    public async Task A_slow_load_is_left_to_itself_when_a_stale_value_is_there()
    {
        await using var cache = new TenfoldCache(new CacheOptions
        {
            DefaultPolicy = new CachePolicy { Ttl = TimeSpan.FromMilliseconds(1), Stale = TimeSpan.FromHours(1), SoftTimeout = TimeSpan.FromMilliseconds(20), Jitter = 0 },
        });
        await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(1));
        await Wait.ForAsync("the value expires", () => !cache.Default.TryGetEntry("key", out _));
        var slow = new TaskCompletionSource<int>();

        Assert.Equal(1, await cache.Default.GetOrCreateAsync("key", async _ => await slow.Task));
        slow.SetResult(2);
        await Wait.ForAsync("the load lands", async () => await cache.Default.GetOrCreateAsync("key", async _ => await slow.Task) == 2);
    }

    [Fact]
    public async Task A_load_that_hangs_is_given_up()
    {
        await using var cache = new TenfoldCache(new CacheOptions { DefaultPolicy = new CachePolicy { Ttl = TimeSpan.FromMinutes(1), HardTimeout = TimeSpan.FromMilliseconds(50) } });
        var late = new TaskCompletionSource<int>();

        var exception = await Assert.ThrowsAsync<TimeoutException>(() => cache.Default.GetOrCreateAsync("key", async _ => await late.Task).AsTask());

        Assert.Contains("0.05 s", exception.Message, StringComparison.Ordinal);
        late.SetResult(1); // nobody's
        Assert.Equal(2, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(2)));
    }

    [Fact]
    public async Task A_value_invalidated_while_it_loads_does_not_come_back()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        foreach (var invalidate in new Func<ValueTask>[] { () => cache.Default.RemoveAsync("key"), () => cache.Default.RemoveByTagAsync("tag"), () => cache.Default.RemoveByTagAsync("*") })
        {
            var (source, loads) = ("old", 0);
            var read = cache.Default.GetOrCreateAsync("key", async _ =>
            {
                var seen = source;
                if (loads++ == 0)
                {
                    source = "new";
                    await invalidate();
                }

                return seen;
            }, tags: ["tag"]);

            Assert.Equal("new", await read);
            Assert.Equal("new", await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult("never loaded"), tags: ["tag"]));
            await cache.Default.RemoveAsync("key");
        }

        Assert.Equal(3, cache.Counts[0].Overtaken);
    }

    [Fact]
    public async Task A_key_invalidated_in_every_load_is_still_answered()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        var loads = 0;

        var value = await cache.Default.GetOrCreateAsync("key", async _ =>
        {
            await cache.Default.RemoveAsync("key", CancellationToken.None);
            return ++loads;
        });

        Assert.Equal(4, value);
    }

    [Fact]
    public async Task A_tag_invalidates_every_entry_under_it_and_no_other()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) }, ("products", new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Tags = ["shop"] }));
        await cache.Default.GetOrCreateAsync("a", _ => ValueTask.FromResult(1), tags: ["x", "y"]);
        await cache.Default.GetOrCreateAsync("b", _ => ValueTask.FromResult(1), tags: ["y"]);
        await cache.For("products").GetOrCreateAsync("c", _ => ValueTask.FromResult(1), tags: ["x"]);
        await cache.For("products").GetOrCreateAsync("d", _ => ValueTask.FromResult(1));

        await cache.Default.RemoveByTagAsync("x");
        Assert.Equal([false, true, false, true], Held());
        await cache.Default.RemoveByTagAsync("shop");
        Assert.Equal([false, true, false, false], Held());
        await cache.Default.RemoveByTagAsync("*");
        Assert.Equal([false, false, false, false], Held());

        bool[] Held() => [cache.Default.TryGetEntry("a", out _), cache.Default.TryGetEntry("b", out _), cache.For("products").TryGetEntry("c", out _), cache.For("products").TryGetEntry("d", out _)];
    }

    [Fact]
    public async Task Nothing_is_kept_only_when_the_policy_says_for_how_long()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) }, ("negative", new CachePolicy { Ttl = TimeSpan.FromMinutes(1), Negative = TimeSpan.FromSeconds(10), Jitter = 0 }));
        Assert.Null(await cache.Default.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>(null)));
        Assert.Equal("there", await cache.Default.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>("there")));

        var negative = cache.For("negative");
        Assert.Null(await negative.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>(null)));
        Assert.Null(await negative.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>("there")));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("there", await negative.GetOrCreateAsync<string?>("key", _ => ValueTask.FromResult<string?>("there")));
    }

    [Fact]
    public async Task A_value_over_the_limit_is_handed_out_and_not_kept()
    {
        await using var cache = new TenfoldCache(new CacheOptions { MaxValueBytes = 1000 });
        var large = new string('x', 1001);

        Assert.Equal(large, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(large)));
        Assert.Equal("small", await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult("small")));
    }

    [Fact]
    public async Task A_hit_late_in_its_life_refreshes_in_the_background_once()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromSeconds(100), Eager = 0.5, Jitter = 0 });
        var loads = 0;
        var second = new TaskCompletionSource();
        Assert.Equal(1, await Read());
        _time.Advance(TimeSpan.FromSeconds(60));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(1, await Read());
        }

        second.SetResult();
        await Wait.ForAsync("the refresh lands", async () => await Read() == 2);
        Assert.Equal(2, loads);

        ValueTask<int> Read() => cache.Default.GetOrCreateAsync("key", async _ =>
        {
            var load = Interlocked.Increment(ref loads);
            await (load == 2 ? second.Task : Task.CompletedTask);
            return load;
        });
    }

    [Fact]
    public async Task A_caller_that_leaves_does_not_end_the_load_of_the_others_and_the_last_one_does()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        using var leaves = new CancellationTokenSource();
        var (value, ended) = (new TaskCompletionSource<string>(), new TaskCompletionSource());
        var first = Read(leaves.Token);
        var second = Read(default);
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        value.SetResult("value");
        Assert.Equal("value", await second);

        value = new TaskCompletionSource<string>();
        await cache.Default.RemoveAsync("key");
        using var alone = new CancellationTokenSource();
        var third = Read(alone.Token);
        await alone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        await ended.Task.WaitAsync(Wait.Most);

        Task<string> Read(CancellationToken cancel) => cache.Default.GetOrCreateAsync("key", async token =>
        {
            token.Register(() => ended.TrySetResult());
            return await value.Task.WaitAsync(token);
        }, cancellationToken: cancel).AsTask();
    }

    [Fact]
    public async Task Objects_that_can_change_are_each_callers_own()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        var first = await cache.Default.GetOrCreateAsync("list", _ => ValueTask.FromResult(new List<int> { 1 }));
        first.Add(2);
        var second = await cache.Default.GetOrCreateAsync("list", _ => ValueTask.FromResult(new List<int>()));
        Assert.Equal([1], second);

        var text = await cache.Default.GetOrCreateAsync("text", _ => ValueTask.FromResult(new string('x', 3)));
        Assert.Same(text, await cache.Default.GetOrCreateAsync("text", _ => ValueTask.FromResult("y")));
    }

    [Fact]
    public async Task A_value_of_another_type_is_loaded_again()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        await cache.Default.SetAsync("key", "text");

        Assert.Equal(7, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(7)));
        Assert.Equal(7, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(8)));
    }

    [Fact]
    public async Task Only_cached_values_are_given_when_loads_are_switched_off()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        var options = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableUnderlyingData };

        Assert.Null(await cache.Default.GetOrCreateAsync<string?>("key", _ => throw new InvalidOperationException(), options));
        await cache.Default.SetAsync("key", "value");
        Assert.Equal("value", await cache.Default.GetOrCreateAsync<string?>("key", _ => throw new InvalidOperationException(), options));
    }

    [Fact]
    public async Task Memory_is_passed_by_where_the_caller_says_so()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        var past = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheRead };
        var notInto = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheWrite };

        Assert.Equal(1, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(1), notInto));
        Assert.False(cache.Default.TryGetEntry("key", out _));
        Assert.Equal(2, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(2)));
        Assert.Equal(3, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(3), past));
        Assert.Equal(3, await cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(4)));
    }

    [Fact]
    public async Task A_text_weighs_what_its_bytes_and_its_characters_take()
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        await cache.Default.SetAsync("key", new string('x', 10_000));
        Assert.InRange(cache.MemoryBytes, 30_000, 31_000);
        await cache.Default.SetAsync("key", new byte[10_000]);
        Assert.InRange(cache.MemoryBytes, 10_000, 11_000);
    }

    [Fact]
    public async Task With_too_many_tags_those_are_forgotten_that_nothing_stands_under()
    {
        await using var cache = new TenfoldCache(new CacheOptions { MaxTags = 64 }, time: _time);
        await cache.Default.GetOrCreateAsync("hot", _ => ValueTask.FromResult(1), tags: ["hot"]);
        for (var i = 0; i < 1000; i++)
        {
            await cache.Default.GetOrCreateAsync($"{i}", _ => ValueTask.FromResult(1), tags: [$"tag {i}"]);
            await cache.Default.RemoveAsync($"{i}");
        }

        Assert.True(cache.Default.TryGetEntry("hot", out _));
        await cache.InvalidateTagAsync("hot");
        Assert.False(cache.Default.TryGetEntry("hot", out _));
        for (var i = 0; i < 1000; i++)
        {
            await cache.Default.GetOrCreateAsync($"{i}", _ => ValueTask.FromResult(1), tags: [$"tag {i}"]);
        }

        Assert.InRange(Enumerable.Range(0, 1000).Count(i => cache.Default.TryGetEntry($"{i}", out _)), 1, 64);
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("nul\0inside")]
    [InlineData("{brace}")]
    [InlineData("\ud800")]
    [InlineData("\u0001begins with the mark")]
    [InlineData("")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task A_key_may_hold_anything(string key)
    {
        await using var cache = Cache(new CachePolicy { Ttl = TimeSpan.FromMinutes(1) });
        await cache.Default.SetAsync(key, "value");
        Assert.Equal("value", await cache.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("other")));
        Assert.True(cache.Default.TryGetEntry(key, out _));
        await cache.Default.RemoveAsync(key);
        Assert.Equal("other", await cache.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult("other")));
    }

    [Fact]
    public void A_policy_that_cannot_be_kept_is_refused_by_name()
    {
        var wrong = Assert.Throws<ArgumentException>(() => Cache(new CachePolicy { Ttl = TimeSpan.Zero }));
        Assert.StartsWith("Cache policy 'default': Ttl is 00:00:00; allowed: above 0", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Cache(new CachePolicy { Ttl = TimeSpan.FromSeconds(1) }, ("No Name", new CachePolicy { Ttl = TimeSpan.FromSeconds(1) })));
    }

    private TenfoldCache Cache(CachePolicy policy, params (string Name, CachePolicy Policy)[] others) =>
        new(new CacheOptions { DefaultPolicy = policy }, others.ToDictionary(o => o.Name, o => o.Policy), time: _time, random: new Random(1));

    private readonly ConcurrentDictionary<TenfoldCache, int> _next = new();

    private ValueTask<int> Next(TenfoldCache cache) => cache.Default.GetOrCreateAsync("key", _ => ValueTask.FromResult(_next.AddOrUpdate(cache, 1, (_, n) => n + 1)));

    private static ValueTask<Loaded> Bytes(int state, CancellationToken cancel) => ValueTask.FromResult(new Loaded(new byte[10]));
}
