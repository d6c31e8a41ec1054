using System.Diagnostics;
using Tenfold.Caching.Tests.History;
using Tenfold.Caching.Tests.Support;
using Tenfold.Redis;
using Tenfold.Redis.Tests.Cluster;
using Tenfold.TestSupport;
using static Tenfold.Caching.Tests.Support.Caches;

namespace Tenfold.Caching.Tests;

/// <summary>Caches on a cluster of three primaries, each with a replica.</summary>
public sealed class ClusterCacheTests(ClusterFixture cluster, ITestOutputHelper output) : IClassFixture<ClusterFixture>
{
    private static readonly string[] Keys = ["", .. Enumerable.Range(0, 60).Select(i => $"key {i}")];

    [Fact]
    public async Task What_one_node_loads_the_others_do_not_and_what_one_invalidates_is_gone_for_all()
    {
        await using var one = await CacheAsync();
        await using var two = await CacheAsync();
        await LoadAsync("old");
        Assert.Equal((Keys.Length, 0L), (Counts(one).Loads, Counts(two).Loads));
        Assert.Equal(Keys.Length, Counts(two).RedisHits);

        foreach (var key in Keys)
        {
            Assert.True(await one.Default.InvalidateAsync(key));
        }

        await GoneAsync("by key");
        Assert.True(await one.InvalidateTagAsync("tag"));
        await GoneAsync("by tag");
        Assert.True(await one.InvalidateTagAsync("*"));
        await GoneAsync("with everything");
        Assert.Equal(0, one.PendingInvalidations);

        async Task LoadAsync(string value)
        {
            foreach (var key in Keys)
            {
                Assert.Equal(value, await ReadAsync(one, key, value));
                Assert.Equal(value, await ReadAsync(two, key, "loaded by the other one"));
            }
        }

        async Task GoneAsync(string value)
        {
            await Wait.ForAsync($"{value}: the other node has dropped all", () => Array.TrueForAll(Keys, key => !two.Default.TryGetEntry(key, out _)));
            await LoadAsync(value);
        }
    }

    [Fact]
    public async Task A_failover_brings_nothing_back()
    {
        // A replica may lack the last invalidations, so nothing from before it took over is used.
        await using var cache = await CacheAsync();
        foreach (var key in Keys)
        {
            await ReadAsync(cache, key, "old");
        }

        await FailOverAsync((await cluster.PrimariesAsync())[0]);
        await cluster.WellAsync();
        await Wait.ForAsync("everything is loaded anew", async () =>
        {
            foreach (var key in Keys)
            {
                if (await ReadAsync(cache, key, "new") != "new")
                {
                    return false;
                }
            }

            return cache.IsCoherent;
        });
    }

    [Fact]
    public async Task No_read_returns_what_was_invalidated_before_it_began_while_slots_move_and_replicas_take_over()
    {
        var (time, bound) = (TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(400));

        var history = await HistoryRun.RunAsync(cluster.Url, time, bound, coherent: true, _ => DisturbAsync(time - TimeSpan.FromSeconds(1)), output);

        // Twice the bound: that of the nodes that beats do not go to (docs/cache.md).
        var violations = HistoryChecker.Check(history, bound * 2);
        output.WriteLine($"{history.Count(e => e.Kind == 'R')} reads, {history.Count(e => e.Kind == 'I')} invalidations");
        Assert.True(violations.Count == 0, $"{violations.Count} violations:\n{string.Join('\n', violations.Take(10))}");
    }

    private async Task DisturbAsync(TimeSpan time)
    {
        var since = Stopwatch.StartNew();
        for (var fault = 0; since.Elapsed < time; fault++)
        {
            await Task.Delay(300);
            var primaries = await cluster.PrimariesAsync();
            switch (fault % 3)
            {
                case 0:
                    await MoveAsync((int)(await cluster.Direct[0].ExecuteAsync(["CLUSTER", "KEYSLOT", $"{{tag {fault % 4}}}"])).Integer, primaries);
                    break;
                case 1:
                    cluster.Servers[primaries[fault % primaries.Length]].Suspend();
                    await Task.Delay(500);
                    cluster.Servers[primaries[fault % primaries.Length]].Resume();
                    break;
                default:
                    await FailOverAsync(primaries[fault % primaries.Length]);
                    break;
            }

            await cluster.WellAsync();
        }
    }

    /// <summary>Its replica takes its place, with all that it has.</summary>
    private async Task FailOverAsync(int primary)
    {
        var port = cluster.Servers[primary].Port;
        for (var i = 0; i < cluster.Direct.Count; i++)
        {
            var role = (await cluster.Direct[i].ExecuteAsync(["ROLE"])).Items;
            if (role.Span[0].Text == "slave" && role.Span[2].Integer == port)
            {
                await cluster.Direct[i].ExecuteAsync(["CLUSTER", "FAILOVER"]);
                await Wait.ForAsync("the replica has taken over", async () => (await cluster.Direct[i].ExecuteAsync(["ROLE"])).Items.Span[0].Text == "master");
                return;
            }
        }
    }

    // What redis-cli --cluster reshard does.
    private async Task MoveAsync(int slot, int[] primaries)
    {
        var from = await cluster.PrimaryOfAsync(slot, primaries[0]);
        var to = primaries.First(node => node != from);
        await cluster.Direct[to].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "IMPORTING", await cluster.IdAsync(from)]);
        await cluster.Direct[from].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "MIGRATING", await cluster.IdAsync(to)]);
        while ((await cluster.Direct[from].ExecuteAsync(["CLUSTER", "GETKEYSINSLOT", slot, 10])).Items is { Length: > 0 } keys)
        {
            RedisArgument[] migrate = ["MIGRATE", "127.0.0.1", cluster.Servers[to].Port, "", 0, 30_000, "KEYS", .. keys.ToArray().Select(key => new RedisArgument(key.Bytes!))];
            await cluster.Direct[from].ExecuteAsync(migrate);
        }

        var id = await cluster.IdAsync(to);
        foreach (var node in primaries.OrderByDescending(node => node == to)) // the new owner first
        {
            await cluster.Direct[node].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "NODE", id]);
        }
    }

    private async Task<TenfoldCache> CacheAsync()
    {
        var cache = new TenfoldCache(Support.Patient.Options(Options), redis: RedisOptions.Parse(cluster.Url));
        await cache.Ready.WaitAsync(Wait.Most);
        return cache;
    }

    private static ValueTask<string> ReadAsync(TenfoldCache cache, string key, string loaded) => cache.Default.GetOrCreateAsync(key, _ => ValueTask.FromResult(loaded), tags: ["tag"]);
}
