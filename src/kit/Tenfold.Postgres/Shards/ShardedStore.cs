using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// One logical store over several databases. A key has a bucket, a bucket has an owner, and the owner may change at any time: writes
/// hold their bucket at the owner and are sent on when it has moved. Thread-safe.
/// </summary>
public sealed partial class ShardedStore : IAsyncDisposable
{
    private readonly ShardedStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly ShardDatabases _databases;
    private readonly ShardMetrics _metrics;
    private readonly SemaphoreSlim _starting = new(1);
    private volatile ShardMapWatcher? _watcher;
    private ShardInstance? _instance;
    private bool _disposed;

    /// <summary>Connects to nothing yet: that is <see cref="StartAsync(CancellationToken)"/>, before which nothing else may be called.</summary>
    /// <param name="options">How it is reached.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">Jitter of polls.</param>
    /// <param name="loggers">Warnings.</param>
    /// <param name="open">Databases that are open already, by number: used instead of opening them anew, and not disposed.</param>
    public ShardedStore(ShardedStoreOptions options, TimeProvider time, Random random, ILoggerFactory loggers, IReadOnlyDictionary<int, PostgresStore>? open = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _time, _random, _logger) = (options, time, random, loggers.CreateLogger<ShardedStore>());
        _databases = new ShardDatabases(options, open ?? new Dictionary<int, PostgresStore>(), time, loggers);
        _metrics = new ShardMetrics(options.Home.Name, () => _watcher);
    }

    /// <summary>The store's name.</summary>
    public string Name => _options.Home.Name;

    /// <summary>The map as this process knows it: at most a poll behind the home database's, while that answers.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Map"/>: it was not read yet.</exception>
    public ShardMap Map => Watcher.Map;

    /// <summary>The home database: for tables that are not sharded.</summary>
    public PostgresStore Home => _databases.Home;

    internal ShardDatabases Databases => _databases;

    internal TimeProvider Time => _time;

    /// <summary>Writes that a database has refused since their bucket had moved.</summary>
    internal long Refused => _metrics.RefusedWrites;

    private ShardMapWatcher Watcher => _watcher ?? throw new ShardException(ShardFailure.Map, $"store {Name}: its shard map was not read yet; {nameof(StartAsync)} does that");

    /// <summary>A store that is started.</summary>
    /// <inheritdoc cref="ShardedStore(ShardedStoreOptions, TimeProvider, Random, ILoggerFactory, IReadOnlyDictionary{int, PostgresStore})" path="/param"/>
    /// <inheritdoc cref="StartAsync(CancellationToken)" path="/exception"/>
    public static async Task<ShardedStore> StartAsync(ShardedStoreOptions options, TimeProvider time, Random random, ILoggerFactory loggers, CancellationToken cancel)
    {
        var store = new ShardedStore(options, time, random, loggers);
        try
        {
            await store.StartAsync(cancel);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Connects, makes what is missing in the databases (the map too, on first use), and begins to follow the map. One that has failed
    /// may be called again; one that has succeeded does nothing.
    /// </summary>
    /// <param name="cancel">Ends the start.</param>
    /// <exception cref="ShardException"><see cref="ShardFailure.Map"/>: options and map do not agree. <see cref="ShardFailure.Id"/>: no instance number is free.</exception>
    /// <exception cref="NpgsqlException">A database cannot be reached.</exception>
    /// <exception cref="PostgresStoreException">None of a database's servers is a primary that answers.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        await _starting.WaitAsync(cancel);
        try
        {
            if (_watcher is null)
            {
                var map = await ShardMapMaker.EnsureAsync(_databases, _options, cancel);
                _instance = _options.MakesIds ? await ShardInstance.StartAsync(Home, map.Scheme.Count, _time, _logger, cancel) : null;
                _watcher = new ShardMapWatcher(map, Home, _options, _time, _random, _logger);
            }
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>Where a key's rows are now.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Unmapped"/>: the key belongs to no bucket.</exception>
    public Shard Shard(ShardKey key)
    {
        var map = Map;
        return At(map, map.BucketOf(key));
    }

    /// <summary>All databases of the map, by number: for what is kept in each of them, whatever its key.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Map"/>: the map was not read yet.</exception>
    public IReadOnlyList<(int Database, PostgresStore Store)> Stores() => [.. Map.Databases.Select(database => (database.Id, _databases.Of(database)))];

    /// <summary>A new id for a row of the key's bucket; the row is later found by the id alone.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Unmapped"/> or <see cref="ShardFailure.Id"/>.</exception>
    public ShardId NewId(ShardKey key) => (_instance ?? throw new InvalidOperationException($"{nameof(ShardedStoreOptions)}.{nameof(ShardedStoreOptions.MakesIds)} is false: this process makes no ids"))
        .Ids.Next(Map.BucketOf(key));

    /// <summary>Waits until the map is at least of this epoch: for whoever was told so, by a token or another process.</summary>
    /// <exception cref="NpgsqlException">The home database cannot be reached.</exception>
    public async ValueTask ReachAsync(long epoch, CancellationToken cancel)
    {
        while (Map.Epoch < epoch)
        {
            await Watcher.RefreshAsync(cancel);
        }
    }

    /// <summary>Asks all databases, a few at a time, and puts the answers into one order.</summary>
    /// <exception cref="NpgsqlException">One of them cannot be reached or failed; the others' answers are dropped: a page with holes is no answer.</exception>
    public Task<ScatterPage<T>> ScatterAsync<T>(ScatterQuery<T> query, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var map = Map;
        return Scatter.RunAsync(query, [.. map.Databases.Select(database => Target(map, database, caller))], _databases, _options.FanOut, cancel);
    }

    /// <summary>Values that are unique across all shards, such as <c>email</c>.</summary>
    /// <param name="kind">What kind of value; each has a name space of its own.</param>
    public UniqueValues Unique(string kind) => new(this, kind);

    /// <summary>Stops following the map, gives the instance number back and closes all pools.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        _metrics.Dispose();
        if (_watcher is not null)
        {
            await _watcher.DisposeAsync();
        }

        if (_instance is not null)
        {
            await _instance.DisposeAsync();
        }

        await _databases.DisposeAsync();
        _starting.Dispose();
    }

    /// <summary>Lists databases in the map that this process was told of and the map does not know.</summary>
    internal async Task RegisterAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        var known = (await Watcher.RefreshAsync(cancel)).Databases;
        foreach (var (id, connectionString) in _options.Others.Where(other => known.All(database => database.Id != other.Key)))
        {
            await ShardMapTable.RegisterAsync(home, new ShardDatabase(id, ShardDatabases.AddressOf(connectionString)), cancel);
        }

        await Watcher.RefreshAsync(cancel);
    }

    private Shard At(ShardMap map, int bucket)
    {
        var owner = map.DatabaseOf(bucket);
        return new Shard(bucket, owner, map.Epoch, _databases.Of(map.Databases[IndexOf(map, owner)]), Watcher.ArrivalOf(map, bucket), Watcher);
    }

    private ScatterTarget Target(ShardMap map, ShardDatabase database, Caller? caller)
    {
        var buckets = map.BucketsOf(database.Id);
        foreach (var bucket in buckets)
        {
            if (Watcher.ArrivalOf(map, bucket) is { } arrived)
            {
                caller = Caller.AtLeast(caller, arrived);
            }
        }

        return new ScatterTarget(database, buckets, caller);
    }

    private static int IndexOf(ShardMap map, int database)
    {
        // Numbers are usually 0, 1, 2 …
        if (database < map.Databases.Count && map.Databases[database].Id == database)
        {
            return database;
        }

        var at = 0;
        while (map.Databases[at].Id != database)
        {
            at++;
        }

        return at;
    }
}
