using System.Collections.Concurrent;
using System.Text;
using Tenfold.Redis.Cluster;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Cluster;

public sealed class ClusterTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IAsyncLifetime
{
    /// <summary>Tests change who has which slots; each begins when that has settled.</summary>
    public async ValueTask InitializeAsync() => await cluster.WellAsync();

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Commands_go_to_the_node_of_their_key()
    {
        await using var client = Connect();
        var keys = Enumerable.Range(0, 300).Select(i => new RedisKey($"spread-{i}")).ToArray();
        await Task.WhenAll(keys.Select(key => client.SetAsync(key, $"{key}".Utf8()).AsTask()));
        Assert.Equal(keys.Select(key => key.ToString()), (await client.GetManyAsync(keys)).Select(Texts.Utf8));
        Assert.Equal(300, await client.DeleteAsync(keys));
        Assert.Equal("x", (await client.EvaluateAsync(new RedisScript("return ARGV[1]"), ["any key"], ["x"])).Text);
        var crossing = await Assert.ThrowsAsync<RedisServerException>(async () => await client.ExecuteAsync(["MGET", "a", "b", "c"]));
        Assert.Equal("CROSSSLOT", crossing.Code);
        Assert.True(client.IsConnected);
    }

    [Fact]
    public async Task Messages_pass_between_nodes()
    {
        await using var client = Connect();
        var heard = new ConcurrentDictionary<string, bool>();
        await using var subscription = await client.SubscribeAsync("everywhere", message =>
        {
            heard[message.Payload.ToArray().Utf8()!] = true;
            return default;
        });
        for (var i = 0; i < cluster.Direct.Count; i++)
        {
            var (node, text) = (cluster.Direct[i], $"from {i}");
            await Eventually.IsTrueAsync(
                async () =>
                {
                    await node.PublishAsync("everywhere", text.Utf8());
                    return heard.ContainsKey(text);
                },
                text);
        }
    }

    [Fact]
    public async Task Slots_move_under_load_without_a_failure_a_lost_write_or_a_stale_copy()
    {
        const string tag = "{moving}";
        var slot = HashSlot.Of(tag);
        await using var client = Connect();
        await using var reader = Connect();
        var copy = new Copy();
        using var registration = reader.Track(copy);
        for (var i = 0; i < 200; i++)
        {
            await client.SetAsync($"{tag}{i}", "0".Utf8());
        }

        using var stop = new CancellationTokenSource();
        var counts = new int[200];
        var callers = Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            while (!stop.IsCancellationRequested)
            {
                var (one, two) = (random.Next(200), random.Next(200));
                switch (random.Next(3))
                {
                    case 0:
                        await client.IncrementAsync($"{tag}{one}");
                        Interlocked.Increment(ref counts[one]);
                        break;
                    case 1: // two keys of one slot: TRYAGAIN while only one of them has moved
                        foreach (var answer in (await client.TransactionAsync(new RedisTransaction().Add("INCR", $"{tag}{one}").Add("INCR", $"{tag}{two}"))).ToArray())
                        {
                            answer.ThrowIfError();
                        }

                        Interlocked.Increment(ref counts[one]);
                        Interlocked.Increment(ref counts[two]);
                        break;
                    default:
                        await reader.GetTrackedAsync($"{tag}{one}".Utf8(), copy);
                        break;
                }
            }
        })).ToArray();

        var primaries = await cluster.PrimariesAsync();
        var from = await cluster.PrimaryOfAsync(slot, primaries[0]);
        for (var round = 0; round < 3; round++)
        {
            var to = primaries[(Array.IndexOf(primaries, from) + 1) % primaries.Length];
            await MoveAsync(slot, from, to);
            from = to;
        }

        await stop.CancelAsync();
        await Task.WhenAll(callers).WaitAsync(Eventually.Patience);
        for (var i = 0; i < 200; i++)
        {
            var (key, value) = ($"{tag}{i}", $"{counts[i]}");
            Assert.Equal(value, (await reader.GetAsync(key)).Utf8());
            // The former node says on another connection than this answer's that the key is gone from it.
            await Eventually.IsTrueAsync(() => !copy.Values.TryGetValue(key, out var kept) || kept == value, "no copy is out of date");
        }
    }

    [Fact]
    public async Task A_key_read_from_a_node_that_is_taking_its_slot_over_is_tracked()
    {
        const string key = "{taken-over}key";
        var slot = HashSlot.Of(key.Utf8());
        await using var client = Connect();
        var copy = new Copy();
        using var registration = client.Track(copy);
        var primaries = await cluster.PrimariesAsync();
        var from = await cluster.PrimaryOfAsync(slot, primaries[0]);
        var to = primaries.First(node => node != from);
        await cluster.Direct[to].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "IMPORTING", await cluster.IdAsync(from)]);
        await cluster.Direct[from].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "MIGRATING", await cluster.IdAsync(to)]);
        await client.SetAsync(key, "1".Utf8()); // by ASK, as it does not exist where it was
        await client.GetTrackedAsync(key.Utf8(), copy);
        Assert.Equal("1", copy.Values[key]);
        await client.SetAsync(key, "2".Utf8());
        await Eventually.IsTrueAsync(() => !copy.Values.ContainsKey(key), "invalidated");
        await FinishAsync(slot, from, to);
        Assert.Equal("2", (await client.GetAsync(key)).Utf8());
    }

    [Fact]
    public async Task A_primary_is_replaced_by_its_replica_under_load_and_only_its_own_keys_notice()
    {
        await using var client = Connect();
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        var copy = new Copy();
        using var registration = client.Track(copy);
        var victim = await cluster.PrimaryOfAsync(HashSlot.Of("{lost}"), asked: 0);
        var asked = (await cluster.PrimariesAsync()).First(node => node != victim);
        var kept = "";
        for (var i = 0; kept.Length == 0; i++)
        {
            kept = await cluster.PrimaryOfAsync(HashSlot.Of($"{{kept-{i}}}"), asked) == asked ? $"{{kept-{i}}}" : "";
        }

        await client.SetAsync("{lost}key", "1".Utf8());
        await client.GetTrackedAsync("{lost}key".Utf8(), copy);
        await client.GetAsync(kept);
        await cluster.Servers[victim].KillAsync();
        await Eventually.IsTrueAsync(() => copy.Values.IsEmpty, "copies of what the node promised are dropped");

        var promoted = false;
        using var limit = new CancellationTokenSource(Eventually.Patience);
        while (!promoted)
        {
            Assert.False(limit.IsCancellationRequested, "no replica took over");
            await client.GetAsync(kept); // must not fail, nor wait
            try
            {
                await client.IncrementAsync("{lost}count");
                promoted = true;
            }
            catch (Exception e) when (e is RedisConnectionException or RedisServerException { Code: "CLUSTERDOWN" })
            {
                // nobody has it at present
            }
        }

        Assert.NotEqual(victim, await cluster.PrimaryOfAsync(HashSlot.Of("{lost}"), asked));
        await cluster.Servers[victim].StartAgainAsync();
        await cluster.WellAsync();
        await Eventually.IsTrueAsync(() => client.IsConnected, "all is well");
    }

    private RedisClient Connect() => new(Patient.Options(cluster.Url));

    // What redis-cli --cluster reshard does.
    private async Task MoveAsync(int slot, int from, int to)
    {
        await cluster.Direct[to].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "IMPORTING", await cluster.IdAsync(from)]);
        await cluster.Direct[from].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "MIGRATING", await cluster.IdAsync(to)]);
        await FinishAsync(slot, from, to);
    }

    private async Task FinishAsync(int slot, int from, int to)
    {
        while ((await cluster.Direct[from].ExecuteAsync(["CLUSTER", "GETKEYSINSLOT", slot, 10])).Items is { Length: > 0 } keys)
        {
            RedisArgument[] command = ["MIGRATE", "127.0.0.1", cluster.Servers[to].Port, "", 0, 30_000, "KEYS", .. keys.ToArray().Select(key => new RedisArgument(key.Bytes!))];
            await cluster.Direct[from].ExecuteAsync(command);
        }

        var id = await cluster.IdAsync(to);
        foreach (var node in (await cluster.PrimariesAsync()).OrderByDescending(node => node == to)) // the new owner first
        {
            await cluster.Direct[node].ExecuteAsync(["CLUSTER", "SETSLOT", slot, "NODE", id]);
        }
    }

    private sealed class Copy : IRedisTracker
    {
        public ConcurrentDictionary<string, string> Values { get; } = new();

        public void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive) => Values[Encoding.UTF8.GetString(key.Span)] = value.Utf8() ?? "(none)";

        public void OnInvalidated(ReadOnlySpan<byte> key) => Values.TryRemove(Encoding.UTF8.GetString(key), out _);

        public void OnInvalidatedAll() => Values.Clear();
    }
}
