using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>One pool of connections to one server for one purpose, and how many of them are in use. Thread-safe.</summary>
internal sealed class ServerPool : IAsyncDisposable
{
    /// <summary>The share of its connections from which on a pool counts as nearly used up.</summary>
    public const double HighShare = 0.8;

    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly StateChangeEventHandler _closed;
    private readonly TimeSpan _wait;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _server;
    private readonly int _high;
    private int _inUse;
    private long _waited;
    private long _waits;
    private long _highs;
    private long _told;

    public ServerPool(string store, string server, NpgsqlDataSource source, int max, TimeSpan wait, TimeProvider time, ILogger logger)
    {
        (Store, _server, Source, Max, _wait, _time, _logger, _closed) = (store, server, source, max, wait, time, logger, OnStateChange);
        _high = max < 2 ? int.MaxValue : (int)Math.Ceiling(max * HighShare); // one connection is either idle or all of them
        _told = long.MinValue;
    }

    public string Store { get; }

    public NpgsqlDataSource Source { get; }

    /// <summary>Most connections.</summary>
    public int Max { get; }

    /// <summary>Connections that were opened here and are not closed yet.</summary>
    public int InUse => Volatile.Read(ref _inUse);

    /// <summary>How often somebody had to wait, for a connection to become free or to be made, and for how many ticks of the clock in total.</summary>
    public (long Times, long Ticks) Waits => (Volatile.Read(ref _waits), Volatile.Read(ref _waited));

    /// <summary>How often the connections in use have risen to <see cref="HighShare"/> of all.</summary>
    public long Highs => Volatile.Read(ref _highs);

    /// <exception cref="PostgresStoreException">Busy.</exception>
    /// <exception cref="NpgsqlException">The server cannot be reached.</exception>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancel)
    {
        // What is idle is had at once, without a clock.
        var opening = Source.OpenConnectionAsync(cancel);
        return opening.IsCompletedSuccessfully ? new(Track(opening.Result)) : WaitAsync(opening);
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private async ValueTask<NpgsqlConnection> WaitAsync(ValueTask<NpgsqlConnection> opening)
    {
        var started = _time.GetTimestamp();
        try
        {
            return Track(await opening);
        }
        catch (NpgsqlException e) when (Failures.IsExhausted(e))
        {
            throw new PostgresStoreException(
                PostgresFailure.Busy,
                $"Store '{Store}': none of the {Max} connections to {_server} became free within {_wait.TotalSeconds:0.#} s. Raise stores.{Store}.pool.max, or find what keeps them: slow queries, transactions left open.",
                e);
        }
        finally
        {
            Interlocked.Increment(ref _waits);
            Interlocked.Add(ref _waited, _time.GetTimestamp() - started);
        }
    }

    private NpgsqlConnection Track(NpgsqlConnection connection)
    {
        if (Interlocked.Increment(ref _inUse) == _high)
        {
            TellHigh();
        }

        connection.StateChange += _closed; // one delegate for all: nothing is allocated
        return connection;
    }

    // Once a minute at most, for use goes up and down all the time.
    private void TellHigh()
    {
        Interlocked.Increment(ref _highs);
        var (now, told) = (_time.GetTimestamp(), Volatile.Read(ref _told));
        if ((told == long.MinValue || _time.GetElapsedTime(told, now) >= TellEvery) && Interlocked.CompareExchange(ref _told, now, told) == told)
        {
            _logger.LogWarning(
                "Store {Store}: {Used} of the {Max} connections to {Server} are in use (80% or more); who finds none waits up to {Wait} s. Raise stores.{Store}.pool.max, or find what keeps them",
                Store, _high, Max, _server, _wait.TotalSeconds, Store);
        }
    }

    private void OnStateChange(object sender, StateChangeEventArgs change)
    {
        if (change.CurrentState is ConnectionState.Closed or ConnectionState.Broken)
        {
            ((NpgsqlConnection)sender).StateChange -= _closed;
            Interlocked.Decrement(ref _inUse);
        }
    }
}
