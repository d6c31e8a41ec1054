using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>Keeps the map up to date: told of a new epoch by NOTIFY, and asking for it in any case. Thread-safe.</summary>
internal sealed partial class ShardMapWatcher : IAsyncDisposable
{
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(10); // replicas that are so far behind serve nobody
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly PostgresStore _home;
    private readonly ShardedStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _reading = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private volatile ShardMap _map;
    private long _reads;
    private long _confirmed;
    private long _readAt;

    public ShardMapWatcher(ShardMap map, PostgresStore home, ShardedStoreOptions options, TimeProvider time, Random random, ILogger logger)
    {
        (_map, _home, _options, _time, _random, _logger) = (map, home, options, time, random, logger);
        _confirmed = _readAt = time.GetTimestamp();
        _loop = Task.Run(WatchAsync);
    }

    /// <summary>The newest map that is known.</summary>
    public ShardMap Map => _map;

    /// <summary>Whether the home database has said lately that the map is the newest.</summary>
    public bool IsConfirmed => Age <= _options.Unconfirmed;

    /// <summary>Time since it said so.</summary>
    public TimeSpan Age => _time.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>What a replica must have reached to have all of a bucket that was moved lately.</summary>
    public ReadToken? ArrivalOf(ShardMap map, int bucket) =>
        map.ArrivalOf(bucket) is { } arrived && _time.GetElapsedTime(Volatile.Read(ref _readAt)) < Lately ? arrived : null;

    /// <summary>Reads the map now; callers that come meanwhile share the answer.</summary>
    public async Task<ShardMap> RefreshAsync(CancellationToken cancel)
    {
        var reads = Volatile.Read(ref _reads);
        await _reading.WaitAsync(cancel);
        try
        {
            if (Volatile.Read(ref _reads) == reads)
            {
                await using var connection = await _home.OpenWriterAsync(null, cancel);
                await ReadAsync(connection, cancel);
            }
        }
        finally
        {
            _reading.Release();
        }

        return _map;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _reading.Dispose();
    }

    private async Task WatchAsync()
    {
        var wasDown = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await _home.OpenWriterAsync(null, _stop.Token);
                if (!_home.IsPooled) // behind a pooler nobody is told: the map is asked for
                {
                    await Sql.ExecuteAsync(connection, $"LISTEN {ShardSchema.Channel}", _stop.Token);
                }

                try
                {
                    while (true)
                    {
                        var asked = _time.GetTimestamp();
                        if (await Sql.ScalarAsync<long>(connection, "SELECT epoch FROM tenfold.shard_map", _stop.Token) > _map.Epoch)
                        {
                            await ReadAsync(connection, _stop.Token);
                        }

                        Volatile.Write(ref _confirmed, asked);
                        wasDown = false;
                        await (_home.IsPooled ? Task.Delay(_options.Poll * Jitter(), _time, _stop.Token) : connection.WaitAsync(_options.Poll * Jitter(), _stop.Token));
                    }
                }
                finally
                {
                    // Pools may hand it out without a reset.
                    if (!_home.IsPooled)
                    {
                        await Sql.ExecuteAsync(connection, "UNLISTEN *", CancellationToken.None);
                    }
                }
            }
            catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or NpgsqlException or PostgresStoreException or InvalidOperationException)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or TimeoutException or InvalidOperationException or IOException)
            {
                if (!wasDown)
                {
                    NotRead(_home.Name, _map.Epoch, e.Message);
                }

                wasDown = true;
                await Task.Delay(Pause * Jitter(), _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (await ShardMapTable.ReadAsync(connection, cancel) is not { } map)
        {
            throw new ShardException(ShardFailure.Map, $"store {_home.Name}: its shard map is gone from the home database");
        }

        lock (_stop)
        {
            if (map.Epoch > _map.Epoch)
            {
                _map = map;
                Volatile.Write(ref _readAt, _time.GetTimestamp());
            }
        }

        Interlocked.Increment(ref _reads);
    }

    private double Jitter()
    {
        lock (_random)
        {
            return 0.8 + (0.4 * _random.NextDouble());
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "store {Store}: the shard map cannot be read again; going on with epoch {Epoch}: {Reason}")]
    private partial void NotRead(string store, long epoch, string reason);
}
