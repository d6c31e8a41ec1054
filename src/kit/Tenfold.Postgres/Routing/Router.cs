using Microsoft.Extensions.Logging;

namespace Tenfold.Postgres.Routing;

/// <summary>Watches a store's servers, and knows who is the primary and which replicas may serve reads. Thread-safe.</summary>
internal sealed class Router : IAsyncDisposable
{
    private const int MostServers = 32;

    private readonly PostgresOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Node[] _nodes;
    private readonly LagHistory _history = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _looking = new(1, 1);
    private readonly Task _watching;
    private volatile RoutingView _view;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private uint _highestTimeline;
    private long _turn;
    private bool _disposed;

    public Router(PostgresOptions options, TimeProvider time, ILoggerFactory loggers, ILoggerFactory driverLoggers)
    {
        (_options, _time, _logger) = (options, time, loggers.CreateLogger("Tenfold.Postgres"));
        var servers = HostList.Split(options.Pooler is null ? options.ConnectionString : PooledReader.Settings(options.ConnectionString).ConnectionString);
        if (servers.Count > MostServers)
        {
            throw new ArgumentException($"Store '{options.Name}' names {servers.Count} servers; at most {MostServers} are watched.", nameof(options));
        }

        _nodes = [.. servers.Select(server => new Node(options, server, time, driverLoggers))];
        // A single server is what there is: it is not watched, and whatever it is, it is used.
        _view = _nodes.Length == 1
            ? new RoutingView(_nodes[0], true, 0, 0, [], [])
            : new RoutingView(null, false, 0, 0, [], []);
        _watching = _nodes.Length == 1 ? Task.CompletedTask : WatchAsync();
    }

    public RoutingView View => _view;

    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>Completes at the next change of <see cref="View"/>: take it before looking at the view.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>A number to choose by: not random enough for secrets, cheap and shared by all threads.</summary>
    public uint Next()
    {
        // SplitMix64's finaliser (Steele, Lea, Flood 2014).
        var z = (ulong)Interlocked.Increment(ref _turn) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        return (uint)(z >> 32);
    }

    /// <summary>Asks every server now. Those that do not answer within a second or two count as gone.</summary>
    public async Task LookAsync()
    {
        if (_nodes.Length == 1)
        {
            return;
        }

        await _looking.WaitAsync(_stop.Token);
        try
        {
            // The primary first: a replica is then measured against a position that is older than its own.
            var primary = _view.Primary is { } known ? known.AskAsync() : Task.FromResult<NodeReading?>(null);
            await Task.WhenAny(primary, Task.Delay(_options.PollEvery, _time, _stop.Token));
            await Task.WhenAll(_nodes.Where(node => node != _view.Primary).Select(node => (Task)node.AskAsync()).Append(primary));
            Decide();
        }
        finally
        {
            _looking.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return; // a container disposes what it knows under two names twice
        }

        await _stop.CancelAsync();
        await _watching;
        Volatile.Read(ref _changed).TrySetResult();
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _stop.Dispose();
        _looking.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await LookAsync();
                // Jitter: instances that were started together do not ask together for ever.
                await Task.Delay(_options.PollEvery * (0.8 + (0.4 * Next() / uint.MaxValue)), _time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private void Decide()
    {
        var before = _view;
        var readings = Array.ConvertAll(_nodes, node => node.Reading);
        var chosen = PrimaryChoice.Choose(readings, Array.IndexOf(_nodes, before.Primary), _highestTimeline);
        var primary = chosen < 0 ? null : _nodes[chosen];
        var reading = chosen < 0 ? null : readings[chosen];
        if (reading is not null)
        {
            _highestTimeline = reading.Timeline;
            _history.Add(reading);
        }

        var replicas = before.Primary == primary && before.Replicas.Length > 0 ? before.Replicas : [.. _nodes.Where(node => node != primary)];
        var (system, timeline) = reading is null ? (before.SystemId, before.Timeline) : (reading.SystemId, reading.Timeline);
        var online = Array.ConvertAll(replicas, replica => IsOnline(replica, system, timeline));
        var view = new RoutingView(primary, reading is not null, system, timeline, replicas, online);
        Tell(before, view);
        if (before.Primary is { } last && primary is not null && last != primary)
        {
            last.Turned(isPrimary: false);
            primary.Turned(isPrimary: true);
        }

        if (before.Primary != primary || before.IsReachable != view.IsReachable || before.Timeline != timeline || !before.Online.AsSpan().SequenceEqual(online))
        {
            _view = view;
            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }

    private bool IsOnline(Node replica, ulong system, uint timeline)
    {
        var reading = replica.Reading;
        var lag = reading is { IsPrimary: false } && reading.SystemId == system && reading.Timeline == timeline ? _history.Of(reading, _time) : null;
        replica.Measured(lag);
        return lag <= _options.ReplicaLag && reading is { IsLeaving: false };
    }

    private void Tell(RoutingView before, RoutingView view)
    {
        if (view.Primary != before.Primary)
        {
            _logger.LogWarning("Store {Store}: the primary is {Primary} on timeline {Timeline} (was {Before})", _options.Name, view.Primary?.Name ?? "away", view.Timeline, before.Primary?.Name ?? "not known");
        }
        else if (view.IsReachable != before.IsReachable && view.Primary is { } primary)
        {
            _logger.LogWarning("Store {Store}: the primary {Primary} {Answers}", _options.Name, primary.Name, view.IsReachable ? "answers again" : $"does not answer: {primary.Failure?.Message}");
        }

        for (var i = 0; i < view.Replicas.Length; i++)
        {
            var replica = view.Replicas[i];
            var was = Array.IndexOf(before.Replicas, replica) is >= 0 and var index && before.Online[index];
            if (was != view.Online[i])
            {
                _logger.LogInformation("Store {Store}: replica {Replica} {State}", _options.Name, replica.Name, view.Online[i] ? "serves reads" : $"serves no reads: {Why(replica, view)}");
            }
        }
    }

    private string Why(Node replica, RoutingView view) => replica.Reading switch
    {
        null => replica.Failure?.Message ?? "it was not asked yet",
        { IsPrimary: true } said => $"it says that it is a primary, on timeline {said.Timeline}",
        var said when said.SystemId != view.SystemId => $"it is of another cluster ({said.SystemId}, not {view.SystemId})",
        { IsLeaving: true } => "it is leaving",
        var said when said.Timeline != view.Timeline => $"it follows timeline {said.Timeline}, the primary is on {view.Timeline}",
        _ => $"it is {(replica.Lag is { } lag ? $"{lag.TotalMilliseconds:0} ms" : "further")} behind; the limit is {_options.ReplicaLag.TotalMilliseconds:0} ms",
    };
}
