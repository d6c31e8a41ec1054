using System.Data;
using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>One pool of connections to one server for one purpose, and how many of them are in use. Thread-safe.</summary>
internal sealed class ServerPool : IAsyncDisposable
{
    private readonly StateChangeEventHandler _closed;
    private readonly TimeSpan _wait;
    private int _inUse;
    private long _waited;
    private long _waits;

    public ServerPool(string store, NpgsqlDataSource source, int max, TimeSpan wait) =>
        (Store, Source, Max, _wait, _closed) = (store, source, max, wait, OnStateChange);

    public string Store { get; }

    public NpgsqlDataSource Source { get; }

    /// <summary>Most connections.</summary>
    public int Max { get; }

    /// <summary>Connections that were opened here and are not closed yet.</summary>
    public int InUse => Volatile.Read(ref _inUse);

    /// <summary>How often somebody had to wait, for a connection to become free or to be made, and for how many ticks of the clock in total.</summary>
    public (long Times, long Ticks) Waits => (Volatile.Read(ref _waits), Volatile.Read(ref _waited));

    /// <exception cref="PostgresStoreException">Busy.</exception>
    /// <exception cref="NpgsqlException">The server cannot be reached.</exception>
    public ValueTask<NpgsqlConnection> OpenAsync(TimeProvider time, CancellationToken cancel)
    {
        // What is idle is had at once, without a clock.
        var opening = Source.OpenConnectionAsync(cancel);
        return opening.IsCompletedSuccessfully ? new(Track(opening.Result)) : WaitAsync(opening, time);
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    private async ValueTask<NpgsqlConnection> WaitAsync(ValueTask<NpgsqlConnection> opening, TimeProvider time)
    {
        var started = time.GetTimestamp();
        try
        {
            return Track(await opening);
        }
        catch (NpgsqlException e) when (Failures.IsExhausted(e))
        {
            throw new PostgresStoreException(
                PostgresFailure.Busy,
                $"Store '{Store}': none of the {Max} connections to {Source.ConnectionString.Split(';').FirstOrDefault(part => part.StartsWith("Host=", StringComparison.OrdinalIgnoreCase))} became free within {_wait.TotalSeconds:0.#} s. Raise stores.{Store}.pool.max, or find what keeps them: slow queries, transactions left open.",
                e);
        }
        finally
        {
            Interlocked.Increment(ref _waits);
            Interlocked.Add(ref _waited, time.GetTimestamp() - started);
        }
    }

    private NpgsqlConnection Track(NpgsqlConnection connection)
    {
        Interlocked.Increment(ref _inUse);
        connection.StateChange += _closed; // one delegate for all: nothing is allocated
        return connection;
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
