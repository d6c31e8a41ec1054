using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// One logical store over several databases. A key has a bucket, a bucket has an owner, and the owner may change at any time: writes
/// hold their bucket at the owner and are sent on when it has moved. Thread-safe.
/// </summary>
public sealed class ShardedStore : IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);

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

    /// <summary>
    /// Writes rows of one key in a transaction at the bucket's owner. The transaction's first statement holds the bucket, so that
    /// <paramref name="work"/> is called for the real owner only, and the bucket stays until the transaction ends: keep it short, a
    /// move waits for it. What <paramref name="work"/> throws rolls back; otherwise it is committed.
    /// </summary>
    /// <param name="key">What the rows are sharded by.</param>
    /// <param name="work">Runs on the open transaction; every statement filters by, or sets, <c>bucket_id</c>.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <param name="isolation">Default: read committed.</param>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: no owner was found within <see cref="ShardedStoreOptions.MoveWait"/>; nothing was executed.</exception>
    public Task<T> WriteAsync<T>(ShardKey key, Func<ShardTransaction, CancellationToken, Task<T>> work, Caller? caller, CancellationToken cancel, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        ArgumentNullException.ThrowIfNull(work);
        return AtOwnerAsync(key, caller, WriteOnceAsync, cancel);

        async Task<T> WriteOnceAsync(Shard shard, NpgsqlConnection connection)
        {
            await using var transaction = await connection.BeginTransactionAsync(isolation, cancel);
            await using (var hold = new NpgsqlCommand("SELECT tenfold.hold($1)", connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = shard.Bucket } } })
            {
                await hold.ExecuteNonQueryAsync(cancel);
            }

            var result = await work(new ShardTransaction(shard, connection, transaction), cancel);
            await transaction.CommitAsync(cancel);
            return result;
        }
    }

    /// <summary>
    /// Executes statements on rows of one key at the bucket's owner, in one transaction and one round trip: the hold travels with them.
    /// </summary>
    /// <param name="key">What the rows are sharded by.</param>
    /// <param name="batch">The statements, without a connection; each filters by, or sets, <c>bucket_id</c>.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Number of rows inserted, updated and deleted.</returns>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: no owner was found in time; nothing was executed.</exception>
    public Task<int> ExecuteAsync(ShardKey key, NpgsqlBatch batch, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.EnableErrorBarriers || ((IList<NpgsqlBatchCommand>)batch.BatchCommands).Any(command => command.AppendErrorBarrier == true))
        {
            throw new ArgumentException("the statements are one transaction with the hold of their bucket: error barriers would make several of it", nameof(batch));
        }

        batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("SELECT tenfold.hold($1)") { Parameters = { new NpgsqlParameter<int> { TypedValue = Map.BucketOf(key) } } });
        var attempts = 0;
        return AtOwnerAsync(key, caller, ExecuteOnceAsync, cancel);

        async Task<int> ExecuteOnceAsync(Shard shard, NpgsqlConnection connection)
        {
            if (attempts++ == 0)
            {
                batch.Connection = connection;
                return await batch.ExecuteNonQueryAsync(cancel);
            }

            // Its commands remember how they were prepared, on a connection where they no longer are.
            await using var again = Copy(batch, connection);
            return await again.ExecuteNonQueryAsync(cancel);
        }
    }

    /// <summary>Asks all databases, a few at a time, and puts the answers into one order.</summary>
    /// <exception cref="NpgsqlException">One of them cannot be reached or failed; the others' answers are dropped: a page with holes is no answer.</exception>
    public Task<ScatterPage<T>> ScatterAsync<T>(ScatterQuery<T> query, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var map = Map;
        return Scatter.RunAsync(query, [.. map.Databases.Select(database => (database, map.BucketsOf(database.Id)))], _databases, _options.FanOut, caller, cancel);
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
        return new Shard(bucket, owner, map.Epoch, _databases.Of(map.Databases[IndexOf(map, owner)]), Watcher);
    }

    private static NpgsqlBatch Copy(NpgsqlBatch batch, NpgsqlConnection connection)
    {
        var copy = new NpgsqlBatch(connection) { Timeout = batch.Timeout };
        foreach (var command in batch.BatchCommands)
        {
            var same = new NpgsqlBatchCommand(command.CommandText);
            foreach (NpgsqlParameter parameter in command.Parameters)
            {
                same.Parameters.Add(parameter.Clone());
            }

            copy.BatchCommands.Add(same);
        }

        return copy;
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

    /// <summary>Repeats what was refused since the bucket is another's: its first statement is the hold, so nothing of it was executed.</summary>
    private async Task<T> AtOwnerAsync<T>(ShardKey key, Caller? caller, Func<Shard, NpgsqlConnection, Task<T>> attempt, CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        var pause = ShortestPause;
        while (true)
        {
            var shard = Shard(key);
            try
            {
                await using var connection = await shard.Store.OpenWriterAsync(caller, cancel);
                try
                {
                    return await attempt(shard, connection);
                }
                catch (PostgresException e) when (e.SqlState == ShardSchema.NotOwned)
                {
                    // What the driver was preparing behind the hold was never parsed: it must not count on it.
                    connection.UnprepareAll();
                    throw;
                }
            }
            catch (PostgresException e) when (e.SqlState == ShardSchema.NotOwned)
            {
                _metrics.Refused();
                var map = await Watcher.RefreshAsync(cancel);
                if (map.DatabaseOf(shard.Bucket) != shard.Database)
                {
                    continue;
                }

                if (_time.GetElapsedTime(began) > _options.MoveWait)
                {
                    throw new ShardException(
                        ShardFailure.Moved,
                        $"bucket {shard.Bucket} is refused by database {shard.Database} ({shard.Store.Name}), which owns it by the map of epoch {map.Epoch}, for {_options.MoveWait.TotalSeconds:0.#} s: a move was interrupted; run it again to finish it",
                        e);
                }

                await Task.Delay(pause, _time, cancel);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}

/// <summary>An open transaction at a bucket's owner, which holds the bucket.</summary>
/// <param name="Shard">Bucket and database.</param>
/// <param name="Connection">The open connection.</param>
/// <param name="Transaction">The transaction; committed by whoever opened it.</param>
public sealed record ShardTransaction(Shard Shard, NpgsqlConnection Connection, NpgsqlTransaction Transaction)
{
    /// <summary>The value of <c>bucket_id</c>.</summary>
    public int Bucket => Shard.Bucket;
}
