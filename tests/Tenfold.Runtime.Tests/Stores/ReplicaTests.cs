using Npgsql;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>Replicas of a real server, which are killed, stopped and spoilt.</summary>
public sealed class ReplicaTests : IAsyncDisposable
{
    private readonly Replicated _main = new();

    public ValueTask DisposeAsync() => _main.DisposeAsync();

    [Fact]
    public async Task A_replica_follows_its_primary_from_run_to_run_and_is_repaired_whatever_happens_to_it()
    {
        await _main.StartAsync(replicas: 1);
        Assert.Equal([("main", StoreRole.Primary), ("main.1", StoreRole.Replica)], _main.Status().Select(one => (one.Name, one.Role!.Value)));
        await _main.WriteAsync("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)");
        await _main.FollowedAsync();
        var replica = _main.OnReplica();
        Assert.Equal(1, await Replicated.QueryAsync(replica, "SELECT x FROM kept"));
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, (await Assert.ThrowsAsync<PostgresException>(() => Replicated.QueryAsync(replica, "INSERT INTO kept VALUES (2)"))).SqlState);

        // One that hangs.
        _main.StopAll("main.1");
        await Limits.UntilAsync(() => _main.Of("main.1") is { IsReady: true, Restarts: > 0 }, "the replica that hung to be started again");
        await _main.WriteAsync("INSERT INTO kept VALUES (2)");
        await _main.FollowedAsync();

        // One whose data is spoilt.
        var data = _main.Data("main.1");
        await File.WriteAllTextAsync(Path.Combine(data, "global", "pg_control"), "spoilt");
        Assert.True(ProcessIdentity.Of(_main.Of("main.1").Pid!.Value)!.Signal(Signal.Kill));
        await _main.ReportedAsync("replica main.1: it cannot be started: it is copied anew from main");
        await _main.ReportedAsync("main.1 is a replica of main");
        await _main.FollowedAsync();
        Assert.Equal(2L, await Replicated.QueryAsync(replica, "SELECT count(*) FROM kept"));

        // Another run, with fewer connections than the WAL was written with, and a copy that was half made.
        await _main.StopAsync();
        Directory.Move(data, data + ".new");
        await _main.StartAsync(replicas: 1, poolMax: 5);
        await _main.FollowedAsync();
        Assert.Equal(2L, await Replicated.QueryAsync(_main.OnReplica(), "SELECT count(*) FROM kept"));
        await _main.StopAsync();
        await _main.StartAsync(replicas: 1, poolMax: 2);
        await _main.FollowedAsync();

        // One that replays minutes late: shown as such, and left alone.
        var repairs = _main.Reports.Count(line => line.Contains("main.1: it", StringComparison.Ordinal));
        var admin = _main.AdminOf("main.1");
        await Replicated.QueryAsync(admin, "ALTER SYSTEM SET recovery_min_apply_delay = '10min'");
        await Replicated.QueryAsync(admin, "SELECT pg_reload_conf()");
        await _main.WriteAsync("CREATE TABLE late (x int)");
        await _main.WriteAsync("INSERT INTO late VALUES (1)");
        await Limits.UntilAsync(() => _main.Of("main.1") is { Streams: true, IsReady: true, LagBytes: > 0, Lag.TotalSeconds: > 2 }, "the status to show how late it is");
        Assert.Equal(0, _main.Of("main.1").Restarts);
        Assert.Equal(repairs, _main.Reports.Count(line => line.Contains("main.1: it", StringComparison.Ordinal)));
    }
}
