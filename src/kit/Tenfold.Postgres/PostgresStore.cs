using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Postgres.Routing;
using Tenfold.Postgres.SlowQueries;

namespace Tenfold.Postgres;

/// <summary>
/// One logical database: a primary and its replicas, with named <see cref="NpgsqlDataSource"/>s for each server. Reads go to
/// replicas that are fit for the caller, writes to the primary, also after a failover. With a single server everything goes there.
/// Thread-safe; make one for each database and keep it.
/// </summary>
/// <example><code>
/// await using var connection = await store.OpenReaderAsync(caller, cancel);
/// await using var command = new NpgsqlCommand("SELECT name FROM products WHERE id = $1", connection) { Parameters = { new() { Value = id } } };
/// </code></example>
public sealed partial class PostgresStore : IAsyncDisposable
{
    private readonly PostgresOptions _options;
    private readonly TimeProvider _time;
    private readonly Router _router;
    private readonly bool _single;
    private bool _disposed;

    /// <summary>Begins to watch the servers when there are several; opens nothing else.</summary>
    /// <param name="options">How it is reached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where routing decisions and the driver's warnings go.</param>
    /// <exception cref="ArgumentException">The connection string makes no sense.</exception>
    public PostgresStore(PostgresOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(loggers);
        (_options, _time) = (options, time);
        var slow = options.SlowQuery is { } limit ? new SlowQueryLog(limit) : null;
        _router = new Router(options, time, loggers, slow is null ? loggers : new CommandTimer(loggers, slow));
        _single = _router.Nodes.Count == 1;
        _metrics = new(this);
        if (slow is not null)
        {
            SlowQueries = new SlowQueryReports(this, slow, options.ScanRows, options.SlowQueryAnalyze, time, loggers.CreateLogger("Tenfold.Postgres"));
            SlowQueries.Start();
        }
    }

    /// <summary>What logs slow queries; null when nothing does.</summary>
    internal SlowQueryReports? SlowQueries { get; }

    /// <summary>Its servers are reached through a pooler in transaction mode: no session keeps anything.</summary>
    public bool IsPooled => _options.Pooler is not null;

    /// <summary>The store's name.</summary>
    public string Name => _options.Name;

    /// <summary>
    /// The primary's data source, for Dapper, EF Core or plain ADO.NET. Take it anew for each piece of work: after a failover it is
    /// another one. <see cref="OpenWriterAsync"/> also waits for a primary and measures.
    /// </summary>
    /// <param name="caller">Who writes: its reads go to the primary from now on, until its token is taken.</param>
    /// <exception cref="PostgresStoreException">No primary has been found.</exception>
    public NpgsqlDataSource Writer(Caller? caller = null)
    {
        caller?.Writes(this);
        return (_router.View.Primary ?? throw NoPrimary(null)).Writer.Source;
    }

    /// <summary>
    /// The data source of a server that the caller may read from: a replica that has all that the caller has written, else the
    /// primary. Its sessions are read-only: a write through it is refused by PostgreSQL (SQL state 25006). Take it anew for each
    /// piece of work. <see cref="OpenReaderAsync"/> also gives replicas a moment to catch up, and tries another server when one is gone.
    /// </summary>
    /// <param name="caller">Who reads; for nobody in particular every replica within the lag limit will do.</param>
    /// <exception cref="PostgresStoreException">No server that could serve the read is known.</exception>
    public NpgsqlDataSource Reader(Caller? caller = null)
    {
        var view = _router.View;
        var index = Choose(view, caller, out _);
        if (index >= 0)
        {
            view.Replicas[index].Picked();
            Interlocked.Increment(ref _replicaReads);
            return view.Replicas[index].ReplicaReader.Source;
        }

        Interlocked.Increment(ref _primaryReads);
        return (view.Primary ?? throw NoPrimary(null)).PrimaryReader.Source;
    }

    /// <summary>The servers, their roles and how far they are behind, as of the last look.</summary>
    public IReadOnlyList<ServerStatus> Status()
    {
        var view = _router.View;
        return [.. _router.Nodes.Select(node => new ServerStatus(
            node.Name,
            node == view.Primary,
            node == view.Primary ? view.IsReachable : Array.IndexOf(view.Replicas, node) is >= 0 and var index && view.Online[index],
            node == view.Primary ? null : node.Lag,
            node.Reading?.Token,
            node.Failure?.Message))];
    }

    /// <summary>
    /// Asks each server how many connections it takes. One instance may open <see cref="ServerConnections.Most"/>; that times the
    /// instances must not be more than <see cref="ServerConnections.Allowed"/>. Empty behind a pooler, which sees to that itself;
    /// a replica that does not answer is left out.
    /// </summary>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="NpgsqlException">A server cannot be asked.</exception>
    public async Task<IReadOnlyList<ServerConnections>> ConnectionsAsync(CancellationToken cancel)
    {
        if (IsPooled)
        {
            return [];
        }

        if (_router.View.Primary is null)
        {
            await _router.LookAsync();
        }

        var primary = _router.View.Primary;
        return await Task.WhenAll(_router.Nodes.Where(node => node == primary || node.Reading is not null || primary is null).Select(async node =>
        {
            var (allowed, by) = await node.LimitAsync(cancel);
            return new ServerConnections(node.Name, node.MostConnections + (_single ? 0 : 1), allowed, by);
        }));
    }

    /// <summary>Waits until a primary is known, and asks the servers anew. Optional: whatever opens a connection waits by itself.</summary>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="PostgresStoreException">None was found within <see cref="PostgresOptions.FailoverWait"/>.</exception>
    public async Task ReadyAsync(CancellationToken cancel)
    {
        await _router.LookAsync();
        await PrimaryAsync(_time.GetTimestamp(), null, cancel);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        if (SlowQueries is not null && !Interlocked.Exchange(ref _disposed, true))
        {
            await SlowQueries.DisposeAsync();
        }

        await _router.DisposeAsync();
    }

    /// <summary>How far the log of the primary has come, for a caller whose writes are all committed; one that only a primary reaches when it cannot be asked.</summary>
    internal async ValueTask<ReadToken> TokenOrPrimaryAsync(CancellationToken cancel)
    {
        try
        {
            await using var connection = await OpenWriterAsync(null, cancel);
            return await ReadToken.TakeAsync(connection, cancel);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException)
        {
            var view = _router.View;
            return new ReadToken(view.SystemId, Math.Max(view.Timeline, 1), new(ulong.MaxValue));
        }
    }

    // Index of the replica that may serve the caller's read, or -1.
    private int Choose(RoutingView view, Caller? caller, out ReadToken? need)
    {
        need = null;
        if (view.Replicas.Length == 0 || caller?.Writing(this) == true || caller?.SeesEverything == true)
        {
            return -1;
        }

        need = caller?.Need(view.SystemId);
        return view.Choose(need, _options.ReplicaLag, _router.Next());
    }

    private PostgresStoreException NoPrimary(Exception? why) => new(
        PostgresFailure.NoPrimary,
        $"Store '{Name}': no primary that can be reached among {string.Join(", ", _router.Nodes.Select(node => $"{node.Name} ({node.Reading switch { null => node.Failure?.Message ?? "not asked yet", { IsPrimary: true } => "overtaken by a newer timeline", _ => "a replica" }})"))}. Nothing was executed.",
        why);

    // The primary, waiting for one until FailoverWait after since; not the one that has just failed, unless it was seen to answer again.
    private async ValueTask<Node> PrimaryAsync(long since, Node? failed, CancellationToken cancel)
    {
        while (true)
        {
            var changed = _router.Changed;
            var view = _router.View;
            if (view.Primary is { } primary && (view.IsReachable || failed is null) && (primary != failed || primary.Reading is not null))
            {
                return primary;
            }

            var left = _options.FailoverWait - _time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                throw NoPrimary(failed?.Failure);
            }

            await Task.WhenAny(changed, Task.Delay(left < _options.PollEvery ? left : _options.PollEvery, _time, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }
}
