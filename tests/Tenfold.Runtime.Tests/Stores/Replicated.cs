using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>A store with replicas, and what tests do to its servers.</summary>
internal sealed class Replicated : IAsyncDisposable
{
    // On a machine that is busy with other tests, a server may well be silent for some seconds.
    private static readonly FailoverLimits Patient = new() { Silence = TimeSpan.FromSeconds(8) };

    private readonly TemporaryState _temporary = new("shop");
    private readonly ConcurrentQueue<string> _reports = new();
    private StoreSet? _stores;

    public IReadOnlyCollection<string> Reports => _reports;

    public string ConnectionString => _stores!.ConnectionString("main");

    /// <summary>Of the superuser, on one server.</summary>
    public string AdminOf(string server) => new NpgsqlConnectionStringBuilder(_stores!.Databases()[0].AdminConnectionString)
    {
        Host = new StoreFolder(server, _temporary.State, owner: null).Socket, Port = Of(server).Port, Pooling = false,
    }.ConnectionString;

    public string Data(string server) => Path.Combine(_temporary.State.Store(server), "data");

    public async Task StopAsync()
    {
        if (_stores is not null)
        {
            await _stores.DisposeAsync();
            _stores = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _temporary.DisposeAsync();
    }

    public static bool IsWalReceiver(int pid) => File.ReadAllText($"/proc/{pid}/cmdline").Contains("walreceiver", StringComparison.Ordinal);

    public IReadOnlyList<StoreStatus> Status() => _stores!.Status();

    public StoreStatus Of(string name) => Status().Single(one => one.Name == name);

    public IReadOnlyList<int> Synced() => Topology.Read(Path.Combine(_temporary.State.Store("main"), "topology.json"))?.Synced ?? [];

    // The postmaster and every backend, as when the machine does not get to them.
    public void StopAll(string name)
    {
        foreach (var row in ProcessTable.Tree(ProcessTable.All(), Of(name).Pid!.Value))
        {
            ProcessIdentity.Of(row.Pid)?.Signal(Signal.Stop);
        }
    }

    // Asked of the replicas themselves: what the status says may be a second old.
    public async Task FollowedAsync()
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

    public Task ReportedAsync(string text) => Limits.UntilAsync(() => _reports.Any(line => line.Contains(text, StringComparison.Ordinal)), $"'{text}' to be reported");

    public string OnReplica() => On(Status().First(one => one.Role == StoreRole.Replica));

    /// <summary>Of the system's role, on one server.</summary>
    public string On(string server) => On(Of(server));

    private string On(StoreStatus server) =>
        new NpgsqlConnectionStringBuilder(_stores!.ConnectionString("main")) { Host = "127.0.0.1", Port = server.Port, Pooling = false }.ConnectionString;

    /// <summary>Its databases, whose replicas may change.</summary>
    public IReadOnlyList<PostgresDatabase> Scaled() => _stores!.Scaled();

    /// <summary>Changes the number of replicas; ends when it is so.</summary>
    public Task ScaleAsync(int replicas) => _stores!.ScaleAsync("main", replicas, _reports.Enqueue, CancellationToken.None);

    public async Task StartAsync(int replicas, bool synchronous = false, int poolMax = 8, FailoverLimits? limits = null, StoreScale? scale = null, Cpu? cpu = null)
    {
        await StopAsync();
        var guide = new SystemGuide
        {
            System = "shop",
            Services = new Dictionary<string, Service> { ["api"] = new() { Command = ["x"], Scale = new Scale { Min = 1, Max = 3 } } },
            Stores = new Dictionary<string, Store>
            {
                ["main"] = new() { Engine = StoreEngine.Postgres, Replicas = replicas, Scale = scale, Cpu = cpu, Synchronous = synchronous, Memory = ByteSize.FromMebibytes(16), Pool = new Pool { Max = poolMax } },
            },
        };
        _stores = await StoreSet.StartAsync(guide, _temporary.State, new StoreOptions { Durable = false, Report = _reports.Enqueue, Failover = limits ?? Patient }, default);
    }

    public Task<object?> WriteAsync(string sql) => QueryAsync(_stores!.ConnectionString("main") + ";Target Session Attributes=primary;Host Recheck Seconds=1;Pooling=false", sql);

    public static async Task<object?> QueryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async Task<List<int>> NumbersAsync(string sql)
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
    public async Task WriteOnAsync(ConcurrentQueue<int> acknowledged, CancellationToken over, int from = 0)
    {
        var text = _stores!.ConnectionString("main") + ";Target Session Attributes=primary;Host Recheck Seconds=1;Pooling=false;Timeout=1;Command Timeout=1;Cancellation Timeout=-1";
        for (var number = from; !over.IsCancellationRequested; number++)
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
