using System.Collections.Concurrent;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>A primary whose commits wait for a replica dies, hangs, or cannot be started.</summary>
public sealed class SynchronousFailoverTests : IAsyncDisposable
{
    private readonly Replicated _main = new();

    public ValueTask DisposeAsync() => _main.DisposeAsync();

    [Fact]
    public async Task A_primary_that_dies_comes_back_in_place_and_one_that_hangs_is_replaced_without_losing_an_answered_commit()
    {
        await _main.StartAsync(replicas: 2, synchronous: true);
        await _main.WriteAsync("CREATE TABLE written (x int PRIMARY KEY)");
        await Limits.UntilAsync(() => _main.Synced().Count == 2, "both replicas to be synchronous");
        using var over = new CancellationTokenSource();
        var acknowledged = new ConcurrentQueue<int>();
        var writing = _main.WriteOnAsync(acknowledged, over.Token);
        await Limits.UntilAsync(() => acknowledged.Count > 20, "some writes");

        Assert.True(ProcessIdentity.Of(_main.Of("main").Pid!.Value)!.Signal(Signal.Kill));
        await Limits.UntilAsync(() => _main.Of("main") is { IsReady: true, Restarts: > 0, Role: StoreRole.Primary }, "the primary to be back");
        var before = acknowledged.Count;
        await Limits.UntilAsync(() => acknowledged.Count > before + 20, "writes to go on");
        await Limits.UntilAsync(() => _main.Synced().Count == 2, "both replicas to be synchronous again");

        _main.StopAll("main");
        before = acknowledged.Count;
        var stopped = TimeProvider.System.GetTimestamp();
        await Limits.UntilAsync(() => acknowledged.Count > before + 20, "writes on another primary");
        var away = TimeProvider.System.GetElapsedTime(stopped);
        await Limits.UntilAsync(() => _main.Of("main") is { IsReady: true, Role: StoreRole.Replica, Streams: true }, "the old primary to be back as a replica");
        await over.CancelAsync();
        await writing;
        await _main.FollowedAsync();

        var written = new HashSet<int>(await _main.NumbersAsync("SELECT x FROM written"));
        Assert.DoesNotContain(acknowledged, x => !written.Contains(x));
        var primary = _main.Status().Single(one => one.Role == StoreRole.Primary).Name;
        Assert.NotEqual("main", primary);
        TestContext.Current.TestOutputHelper?.WriteLine($"no writes for {away.TotalSeconds:0.0} s"); // the promise of 10 s is for a machine that does nothing else

        // The next run knows who the primary is, and needs no second copy.
        await _main.StopAsync();
        await _main.StartAsync(replicas: 2, synchronous: true);
        Assert.Equal(primary, _main.Status().Single(one => one.Role == StoreRole.Primary).Name);
        Assert.Equal(written.Count, (await _main.NumbersAsync("SELECT x FROM written")).Count);
    }

    [Fact]
    [Trait("Suite", "soak")]
    public async Task A_primary_that_cannot_be_started_is_replaced_by_a_replica_that_has_every_commit()
    {
        await _main.StartAsync(replicas: 1, synchronous: true);
        await _main.WriteAsync("CREATE TABLE written (x int PRIMARY KEY)");
        await Limits.UntilAsync(() => _main.Synced().Count == 1, "the replica to be synchronous");
        await _main.WriteAsync("INSERT INTO written SELECT generate_series(1, 100)");
        await _main.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_main.Data("main"), "global", "pg_control"), "spoilt");

        await _main.StartAsync(replicas: 1, synchronous: true);
        Assert.Equal("main.1", _main.Status().Single(one => one.Role == StoreRole.Primary).Name);
        Assert.Equal(100L, await _main.WriteAsync("SELECT count(*) FROM written"));
        await Limits.UntilAsync(() => _main.Of("main") is { IsReady: true, Streams: true }, "what was spoilt to be copied anew");
    }
}
