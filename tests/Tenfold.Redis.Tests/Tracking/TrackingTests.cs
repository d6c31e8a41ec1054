using System.Collections.Concurrent;
using System.Text;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Tracking;

public sealed class TrackingTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_tracked_read_tells_value_and_time_to_live_and_then_of_a_change()
    {
        await using var writer = new RedisClient(Patient.Options(fixture.Server.Url));
        var copy = new Copy();
        using var registration = fixture.Client.Track(copy);
        await writer.SetAsync("tracked", "1".Utf8(), TimeSpan.FromMinutes(1));
        var read = await fixture.Client.GetTrackedAsync("tracked".Utf8(), copy);
        Assert.Equal("1", read.Value.Utf8());
        Assert.InRange(read.TimeToLive!.Value, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Assert.Equal("1", copy.Values["tracked"]);

        await writer.SetAsync("tracked", "2".Utf8());
        await Eventually.IsTrueAsync(() => !copy.Values.ContainsKey("tracked"), "invalidated");
        Assert.Null((await fixture.Client.GetTrackedAsync("tracked".Utf8(), copy)).TimeToLive);
        Assert.Equal("2", copy.Values["tracked"]);
    }

    [Fact]
    public async Task An_absent_key_is_tracked_and_an_untracked_read_is_not()
    {
        var copy = new Copy();
        using var registration = fixture.Client.Track(copy);
        Assert.Null((await fixture.Client.GetTrackedAsync("absent".Utf8(), copy)).Value);
        await fixture.Client.GetAsync("untracked");
        Assert.True(copy.Values.ContainsKey("absent"));
        await fixture.Client.SetAsync("untracked", "1".Utf8());
        await fixture.Client.SetAsync("absent", "1".Utf8());
        await Eventually.IsTrueAsync(() => !copy.Values.ContainsKey("absent"), "invalidated");
        Assert.DoesNotContain("untracked", copy.Invalidated);
    }

    [Fact]
    public async Task A_flush_and_a_lost_connection_invalidate_everything()
    {
        var copy = new Copy();
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url) with { ConnectionsPerNode = 1 });
        using var registration = client.Track(copy);
        var connection = (await client.ExecuteAsync(["CLIENT", "ID"])).Integer;
        await client.GetTrackedAsync("flushed".Utf8(), copy);
        await fixture.Client.ExecuteAsync(["FLUSHALL"]);
        await Eventually.IsTrueAsync(() => copy.Values.IsEmpty, "flushed");

        await client.GetTrackedAsync("lost".Utf8(), copy);
        await fixture.Client.ExecuteAsync(["CLIENT", "KILL", "ID", connection]);
        await Eventually.IsTrueAsync(() => copy.Values.IsEmpty, "lost");
    }

    [Fact]
    public async Task The_loss_of_a_connection_that_nothing_was_read_on_costs_no_copy()
    {
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url));
        var (copy, heard) = (new Copy(), 0);
        using var registration = client.Track(copy);
        await using var subscription = await client.SubscribeAsync("kept", _ =>
        {
            Interlocked.Increment(ref heard);
            return default;
        });
        await client.GetTrackedAsync("kept".Utf8(), copy);
        await fixture.Client.ExecuteAsync(["CLIENT", "KILL", "TYPE", "pubsub"]);
        await Eventually.IsTrueAsync(
            async () =>
            {
                await client.PublishAsync("kept", "x".Utf8());
                return Volatile.Read(ref heard) > 0;
            },
            "subscribed again");
        Assert.True(copy.Values.ContainsKey("kept"));
    }

    [Fact]
    public async Task The_error_of_a_tracked_read_is_thrown_and_nothing_is_copied()
    {
        var copy = new Copy();
        await fixture.Client.ExecuteAsync(["RPUSH", "tracked-list", 1]);
        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await fixture.Client.GetTrackedAsync("tracked-list".Utf8(), copy));
        Assert.Equal("WRONGTYPE", error.Code);
        Assert.Empty(copy.Values);
    }

    [Fact]
    public async Task A_tracker_that_throws_loses_the_connection_and_the_client_goes_on()
    {
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url) with { ConnectionsPerNode = 1 });
        var failing = new Failing();
        using var registration = client.Track(failing);
        var lost = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetTrackedAsync("any".Utf8(), failing));
        Assert.Contains("a tracker that fails", lost.Message, StringComparison.Ordinal);
        Assert.True(failing.Dropped);
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected again");
        Assert.Null(await client.GetAsync("any"));
    }

    [Fact]
    public async Task A_copy_never_keeps_a_value_that_was_overwritten()
    {
        await using var writer = new RedisClient(Patient.Options(fixture.Server.Url));
        var copy = new Copy();
        using var registration = fixture.Client.Track(copy);
        var last = 0;
        var writing = Task.Run(async () =>
        {
            try
            {
                for (var i = 1; i <= 3000; i++)
                {
                    await writer.SetAsync($"race-{i % 8}", Encoding.ASCII.GetBytes($"{i}"));
                }
            }
            finally
            {
                Volatile.Write(ref last, 1);
            }
        });
        var reading = Enumerable.Range(0, 16).Select(async reader =>
        {
            while (Volatile.Read(ref last) == 0)
            {
                await fixture.Client.GetTrackedAsync($"race-{reader % 8}".Utf8(), copy);
            }
        });
        await Task.WhenAll([writing, .. reading]);

        // A round trip on each connection: every invalidation before it has arrived. What is left must be what Redis has.
        for (var i = 0; i < 8; i++)
        {
            var value = (await fixture.Client.GetAsync($"race-{i}")).Utf8();
            if (copy.Values.TryGetValue($"race-{i}", out var kept))
            {
                Assert.Equal(value, kept);
            }
        }
    }

    private sealed class Failing : IRedisTracker
    {
        public bool Dropped { get; private set; }

        public void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive) => throw new InvalidOperationException("a tracker that fails");

        public void OnInvalidated(ReadOnlySpan<byte> key) => throw new InvalidOperationException("a tracker that fails");

        public void OnInvalidatedAll()
        {
            Dropped = true;
            throw new InvalidOperationException("a tracker that fails");
        }
    }

    private sealed class Copy : IRedisTracker
    {
        public ConcurrentDictionary<string, string> Values { get; } = new();

        public ConcurrentBag<string> Invalidated { get; } = [];

        public void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive) => Values[Encoding.UTF8.GetString(key.Span)] = value.Utf8() ?? "(none)";

        public void OnInvalidated(ReadOnlySpan<byte> key)
        {
            var name = Encoding.UTF8.GetString(key);
            Invalidated.Add(name);
            Values.TryRemove(name, out _);
        }

        public void OnInvalidatedAll() => Values.Clear();
    }
}
