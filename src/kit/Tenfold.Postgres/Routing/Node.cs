using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>One server of a store: its pools, and what it said of itself last. Thread-safe.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly NpgsqlDataSource _monitor;
    private readonly Lock _lock = new();
    private Task<NodeReading?> _running = Task.FromResult<NodeReading?>(null);
    private Task<NodeReading?>? _next;
    private volatile NodeReading? _reading;
    private volatile Exception? _failure;
    private TimeSpan? _lag;
    private DateTime _started;
    private int _picks;

    public Node(PostgresOptions options, NpgsqlConnectionStringBuilder server, TimeProvider time, ILoggerFactory loggers)
    {
        var (store, logger) = (options.Name, loggers.CreateLogger("Tenfold.Postgres"));
        _time = time;
        Name = $"{server.Host}:{server.Port}";
        var max = server.MaxPoolSize;
        var share = Math.Max(1, max / 2);
        Writer = Pool($"{store}@{Name}", max - share == 0 ? 1 : max - share, readOnly: false);
        PrimaryReader = Pool($"{store}@{Name}/primary-reads", share, readOnly: true);
        ReplicaReader = Pool($"{store}@{Name}/reads", max, readOnly: true);

        var monitor = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            MinPoolSize = 0, MaxPoolSize = 1, Timeout = 1, CommandTimeout = 1, CancellationTimeout = -1, ApplicationName = "tenfold monitor",
        };
        _monitor = new NpgsqlDataSourceBuilder(monitor.ConnectionString) { Name = $"{store}@{Name}/monitor" }.Build(); // without a logger: its failures are told once, by the router

        ServerPool Pool(string name, int most, bool readOnly)
        {
            var settings = new NpgsqlConnectionStringBuilder(server.ConnectionString) { MaxPoolSize = most, MinPoolSize = Math.Min(most, server.MinPoolSize / 2) };
            if (readOnly && options.Pooler is { } pooler)
            {
                settings.Database = pooler.ReaderDatabase;
            }
            else if (readOnly)
            {
                settings.Options = $"{server.Options} -c default_transaction_read_only=on".Trim();
            }

            var source = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name }.UseLoggerFactory(loggers);
            if (readOnly && options.Pooler is not null)
            {
                PooledReader.Guard(source, store);
            }

            source.EnableParameterLogging(options is { SlowQuery: not null, SlowQueryAnalyze: true });
            return new ServerPool(store, name[(store.Length + 1)..], source.Build(), most, TimeSpan.FromSeconds(settings.Timeout), time, logger);
        }
    }

    /// <summary>Host and port.</summary>
    public string Name { get; }

    /// <summary>For writes, while it is the primary.</summary>
    public ServerPool Writer { get; }

    /// <summary>For reads while it is the primary: half of the connections, so that readers without a replica leave room for writers.</summary>
    public ServerPool PrimaryReader { get; }

    /// <summary>For reads while it is a replica.</summary>
    public ServerPool ReplicaReader { get; }

    /// <summary>Most connections that its pools hold in the role that needs more.</summary>
    public int MostConnections => Math.Max(Writer.Max + PrimaryReader.Max, ReplicaReader.Max);

    /// <summary>The pools by what they are for.</summary>
    public IEnumerable<(string Name, ServerPool Pool)> Pools => [($"{Name}", Writer), ($"{Name}/primary-reads", PrimaryReader), ($"{Name}/reads", ReplicaReader)];

    /// <summary>What it said last; null when it did not answer.</summary>
    public NodeReading? Reading => _reading;

    /// <summary>Why it did not answer.</summary>
    public Exception? Failure => _failure;

    /// <summary>How far it was behind when the monitor looked last.</summary>
    public TimeSpan? Lag
    {
        get
        {
            lock (_lock)
            {
                return _lag;
            }
        }
    }

    /// <summary>As a replica: what is known of it for a choice.</summary>
    /// <param name="isOnline">Whether the router takes it for fit to serve.</param>
    public ReplicaState State(bool isOnline)
    {
        var reading = _reading;
        return reading is null
            ? default
            : new ReplicaState(isOnline && !reading.IsPrimary, reading.SystemId, reading.Timeline, reading.Lsn, Lag ?? TimeSpan.Zero, ReplicaReader.InUse + Volatile.Read(ref _picks));
    }

    /// <summary>Given out as a data source: its use is not seen, so it counts as load until the next look.</summary>
    public void Picked() => Interlocked.Increment(ref _picks);

    /// <summary>The monitor has looked.</summary>
    public void Measured(TimeSpan? lag)
    {
        Volatile.Write(ref _picks, 0);
        lock (_lock)
        {
            _lag = lag;
        }
    }

    /// <summary>It has become the primary, or a replica: what its other role has left open in the pools is closed, as it would add to what the server carries.</summary>
    public void Turned(bool isPrimary)
    {
        if (isPrimary)
        {
            ReplicaReader.Source.Clear();
        }
        else
        {
            Writer.Source.Clear();
            PrimaryReader.Source.Clear();
        }
    }

    /// <summary>How many connections the server takes, and which of its settings says so.</summary>
    /// <exception cref="NpgsqlException">It cannot be asked.</exception>
    public async Task<(int Allowed, string By)> LimitAsync(CancellationToken cancel)
    {
        await using var command = _monitor.CreateCommand(
            """
            SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
                (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user), (SELECT datconnlimit FROM pg_database WHERE datname = current_database())
            """);
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        (int Most, string By)[] limits = [(row.GetInt32(0), "max_connections less superuser_reserved_connections"), (row.GetInt32(1), "the role's CONNECTION LIMIT"), (row.GetInt32(2), "the database's CONNECTION LIMIT")];
        _monitor.Clear(); // a server that is not watched keeps no connection for this
        return limits.Where(limit => limit.Most >= 0).MinBy(limit => limit.Most);
    }

    /// <summary>The server was seen to be gone by somebody who used it.</summary>
    public void Lost(Exception why)
    {
        (_reading, _failure) = (null, why);
        if (why is not NpgsqlException { InnerException: TimeoutException })
        {
            Clear(); // one that is only slow keeps its connections
        }
    }

    /// <summary>
    /// A reading that was begun after this call; those who ask while one is under way share the next one. Null when the server
    /// does not answer within a second or two.
    /// </summary>
    public Task<NodeReading?> AskAsync()
    {
        lock (_lock)
        {
            return _running.IsCompleted ? _running = ReadAsync() : _next ??= AfterAsync(_running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await PrimaryReader.DisposeAsync();
        await ReplicaReader.DisposeAsync();
        await _monitor.DisposeAsync();
    }

    private async Task<NodeReading?> AfterAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        lock (_lock)
        {
            (_running, _next) = (_next!, null);
        }

        return await ReadAsync();
    }

    private async Task<NodeReading?> ReadAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // out of the lock
        try
        {
            var at = _time.GetTimestamp();
            await using var command = _monitor.CreateCommand(NodeReading.Sql);
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            var reading = new NodeReading(
                !row.GetBoolean(0), (ulong)row.GetInt64(1), (uint)row.GetInt32(2), (ulong)row.GetFieldValue<NpgsqlTypes.NpgsqlLogSequenceNumber>(3), row.GetFieldValue<DateTime>(4), at)
            {
                IsLeaving = row.GetBoolean(5),
            };
            if (_started != default && _started != reading.Started)
            {
                Clear(); // connections of another run of the server
            }

            (_reading, _failure, _started) = (reading, null, reading.Started);
            return reading;
        }
#pragma warning disable CA1031 // Whatever the driver throws means that the server does not answer; it is told by the router.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Lost(e);
            return null;
        }
    }

    private void Clear()
    {
        Writer.Source.Clear();
        PrimaryReader.Source.Clear();
        ReplicaReader.Source.Clear();
    }
}
