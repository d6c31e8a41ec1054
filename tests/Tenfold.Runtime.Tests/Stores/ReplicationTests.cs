using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>Replicas and failover, with real servers that are killed and stopped.</summary>
public sealed class ReplicationTests : IAsyncDisposable
{
    // On a machine that is busy with other tests, a server may well be silent for some seconds.
    private static readonly FailoverLimits Patient = new() { Silence = TimeSpan.FromSeconds(8) };

    private readonly TemporaryState _temporary = new("shop");
    private readonly ConcurrentQueue<string> _reports = new();
    private StoreSet? _stores;

    public async ValueTask DisposeAsync()
    {
        if (_stores is not null)
        {
            await _stores.DisposeAsync();
        }

        await _temporary.DisposeAsync();
    }

    [Fact]
    public async Task A_replica_follows_its_primary_from_run_to_run_and_is_repaired_whatever_happens_to_it()
    {
        await StartAsync(replicas: 1);
        Assert.Equal([("main", StoreRole.Primary), ("main.1", StoreRole.Replica)], Status().Select(one => (one.Name, one.Role!.Value)));
        await WriteAsync("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)");
        await FollowedAsync();
        var replica = OnReplica();
        Assert.Equal(1, await QueryAsync(replica, "SELECT x FROM kept"));
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, (await Assert.ThrowsAsync<PostgresException>(() => QueryAsync(replica, "INSERT INTO kept VALUES (2)"))).SqlState);

        // One that hangs.
        StopAll("main.1");
        await Limits.UntilAsync(() => Of("main.1") is { IsReady: true, Restarts: 1 }, "the replica that hung to be started again");
        await WriteAsync("INSERT INTO kept VALUES (2)");
        await FollowedAsync();

        // One whose data is spoilt.
        var data = Path.Combine(_temporary.State.Store("main.1"), "data");
        await File.WriteAllTextAsync(Path.Combine(data, "global", "pg_control"), "spoilt");
        Assert.True(ProcessIdentity.Of(Of("main.1").Pid!.Value)!.Signal(Signal.Kill));
        await ReportedAsync("replica main.1: it cannot be started: it is copied anew from main");
        await ReportedAsync("main.1 is a replica of main");
        await FollowedAsync();
        Assert.Equal(2L, await QueryAsync(replica, "SELECT count(*) FROM kept"));

        // Another run, with fewer connections than the WAL was written with, and a copy that was half made.
        await _stores!.DisposeAsync();
        Directory.Move(data, data + ".new");
        await StartAsync(replicas: 1, poolMax: 5);
        await FollowedAsync();
        Assert.Equal(2L, await QueryAsync(OnReplica(), "SELECT count(*) FROM kept"));
        await _stores!.DisposeAsync();
        await StartAsync(replicas: 1, poolMax: 2);
        await FollowedAsync();
    }

    [Fact]
    public async Task A_primary_that_dies_comes_back_in_place_and_one_that_hangs_is_replaced_without_losing_an_answered_commit()
    {
        await StartAsync(replicas: 2, synchronous: true);
        await WriteAsync("CREATE TABLE written (x int PRIMARY KEY)");
        await Limits.UntilAsync(() => Synced().Count == 2, "both replicas to be synchronous");
        using var over = new CancellationTokenSource();
        var acknowledged = new ConcurrentQueue<int>();
        var writing = WriteOnAsync(acknowledged, over.Token);
        await Limits.UntilAsync(() => acknowledged.Count > 20, "some writes");

        Assert.True(ProcessIdentity.Of(Of("main").Pid!.Value)!.Signal(Signal.Kill));
        await Limits.UntilAsync(() => Of("main") is { IsReady: true, Restarts: 1, Role: StoreRole.Primary }, "the primary to be back");
        var before = acknowledged.Count;
        await Limits.UntilAsync(() => acknowledged.Count > before + 20, "writes to go on");
        await Limits.UntilAsync(() => Synced().Count == 2, "both replicas to be synchronous again");

        StopAll("main");
        before = acknowledged.Count;
        var stopped = TimeProvider.System.GetTimestamp();
        await Limits.UntilAsync(() => acknowledged.Count > before + 20, "writes on another primary");
        var away = TimeProvider.System.GetElapsedTime(stopped);
        await Limits.UntilAsync(() => Of("main") is { IsReady: true, Role: StoreRole.Replica, Streams: true }, "the old primary to be back as a replica");
        await over.CancelAsync();
        await writing;
        await FollowedAsync();

        var written = new HashSet<int>(await NumbersAsync("SELECT x FROM written"));
        Assert.DoesNotContain(acknowledged, x => !written.Contains(x));
        var primary = Status().Single(one => one.Role == StoreRole.Primary).Name;
        Assert.NotEqual("main", primary);
        TestContext.Current.TestOutputHelper?.WriteLine($"no writes for {away.TotalSeconds:0.0} s"); // the promise of 10 s is for a machine that does nothing else

        // The next run knows who the primary is, and needs no second copy.
        await _stores!.DisposeAsync();
        await StartAsync(replicas: 2, synchronous: true);
        Assert.Equal(primary, Status().Single(one => one.Role == StoreRole.Primary).Name);
        Assert.Equal(written.Count, (await NumbersAsync("SELECT x FROM written")).Count);
    }

    [Fact]
    public async Task Without_synchronous_replication_a_failover_tells_how_many_transactions_it_lost()
    {
        await StartAsync(replicas: 1);
        await WriteAsync("CREATE TABLE written (x int)");
        await FollowedAsync();
        var receiver = Assert.Single(ProcessTable.Tree(ProcessTable.All(), Of("main.1").Pid!.Value), row => IsWalReceiver(row.Pid)).Pid;
        Assert.True(ProcessIdentity.Of(receiver)!.Signal(Signal.Stop));
        for (var i = 0; i < 3; i++)
        {
            await WriteAsync("INSERT INTO written VALUES (1)");
        }

        StopAll("main");
        Assert.True(ProcessIdentity.Of(receiver)!.Signal(Signal.Kill)); // with what it had been sent and had not read
        await ReportedAsync("main.1 is the primary now");
        await ReportedAsync("3 transactions (");
        await ReportedAsync("main is a replica of main.1");
        await FollowedAsync();
        Assert.Equal(0L, await WriteAsync("SELECT count(*) FROM written"));
    }

    private static bool IsWalReceiver(int pid) => File.ReadAllText($"/proc/{pid}/cmdline").Contains("walreceiver", StringComparison.Ordinal);

    private IReadOnlyList<StoreStatus> Status() => _stores!.Status();

    private StoreStatus Of(string name) => Status().Single(one => one.Name == name);

    private IReadOnlyList<int> Synced() => Topology.Read(Path.Combine(_temporary.State.Store("main"), "topology.json"))?.Synced ?? [];

    // The postmaster and every backend, as when the machine does not get to them.
    private void StopAll(string name)
    {
        foreach (var row in ProcessTable.Tree(ProcessTable.All(), Of(name).Pid!.Value))
        {
            ProcessIdentity.Of(row.Pid)?.Signal(Signal.Stop);
        }
    }

    // Asked of the replicas themselves: what the status says may be a second old.
    private async Task FollowedAsync()
    {
        var position = (string)(await WriteAsync("SELECT pg_current_wal_flush_lsn()::text"))!;
        var followed = false;
        await Limits.UntilAsync(() => followed, async () => followed = await HaveAllAsync(position), "the replicas to have caught up");
        await Limits.UntilAsync(() => Status().Where(one => one.Role == StoreRole.Replica).All(one => one is { IsReady: true, Streams: true, LagBytes: not null }), "the status to say so");
    }

    private async Task<bool> HaveAllAsync(string position)
    {
        try
        {
            foreach (var replica in Status().Where(one => one.Role == StoreRole.Replica))
            {
                if (!(bool)(await QueryAsync(On(replica), $"SELECT pg_is_in_recovery() AND COALESCE(pg_last_wal_replay_lsn() >= '{position}', false)"))!)
                {
                    return false;
                }
            }

            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private Task ReportedAsync(string text) => Limits.UntilAsync(() => _reports.Any(line => line.Contains(text, StringComparison.Ordinal)), $"'{text}' to be reported");

    private string OnReplica() => On(Status().First(one => one.Role == StoreRole.Replica));

    private string On(StoreStatus server) =>
        new NpgsqlConnectionStringBuilder(_stores!.ConnectionString("main")) { Host = "127.0.0.1", Port = server.Port, Pooling = false }.ConnectionString;

    private async Task StartAsync(int replicas, bool synchronous = false, int poolMax = 8)
    {
        var guide = new SystemGuide
        {
            System = "shop",
            Services = new Dictionary<string, Service> { ["api"] = new() { Command = ["x"], Scale = new Scale { Min = 1, Max = 3 } } },
            Stores = new Dictionary<string, Store>
            {
                ["main"] = new() { Engine = StoreEngine.Postgres, Replicas = replicas, Synchronous = synchronous, Memory = ByteSize.FromMebibytes(16), Pool = new Pool { Max = poolMax } },
            },
        };
        _stores = await StoreSet.StartAsync(guide, _temporary.State, new StoreOptions { Durable = false, Report = _reports.Enqueue, Failover = Patient }, default);
    }

    private Task<object?> WriteAsync(string sql) => QueryAsync(_stores!.ConnectionString("main") + ";Target Session Attributes=primary;Host Recheck Seconds=1;Pooling=false", sql);

    private static async Task<object?> QueryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private async Task<List<int>> NumbersAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_stores!.ConnectionString("main") + ";Target Session Attributes=primary;Host Recheck Seconds=1;Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var numbers = new List<int>();
        while (await reader.ReadAsync())
        {
            numbers.Add(reader.GetInt32(0));
        }

        return numbers;
    }

    // A client as plain as can be: a new connection for each write, given up after a second, and never the same number twice.
    private async Task WriteOnAsync(ConcurrentQueue<int> acknowledged, CancellationToken over)
    {
        var text = _stores!.ConnectionString("main") + ";Target Session Attributes=primary;Host Recheck Seconds=1;Pooling=false;Timeout=1;Command Timeout=1;Cancellation Timeout=-1";
        for (var number = 0; !over.IsCancellationRequested; number++)
        {
            try
            {
                await QueryAsync(text, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO written VALUES ({number})"));
                acknowledged.Enqueue(number);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
