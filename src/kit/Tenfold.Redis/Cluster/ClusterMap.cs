using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Cluster;

/// <summary>
/// Keeps the map of slots: asks one node after the other (those connected first, then the addresses of the options), when
/// asked to, and every <see cref="RedisOptions.TopologyRefresh"/>; never twice within a moment.
/// </summary>
internal sealed class ClusterMap : IAsyncDisposable
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    private readonly ConnectionContext _context;
    private readonly ClusterNodes _nodes;
    private readonly ILogger _log;
    private readonly Channel<bool> _asked = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private Exception? _failure;
    private int _failures; // in a row
    private int _nextAsk;

    public ClusterMap(ConnectionContext context, ClusterNodes nodes, ILogger log)
    {
        (_context, _nodes, _log) = (context, nodes, log);
        Ask();
        _running = Task.Run(RunAsync);
    }

    /// <summary>Of the last attempt to read the map.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Done when a map was read.</summary>
    public Task ReadyAsync(CancellationToken cancel) => _ready.Task.WaitAsync(cancel);

    /// <summary>Something points to a change.</summary>
    public void Ask() => _asked.Writer.TryWrite(true);

    public void Tick(int now)
    {
        if (_nextAsk - now <= 0)
        {
            // A tenth more or less, so that many clients do not ask together.
            _nextAsk = now + (int)(Ticks.Count(_context.Options.TopologyRefresh) * (0.9 + (_context.Draw() / 5)));
            Ask();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var _ in _asked.Reader.ReadAllAsync(_stop.Token))
            {
                await RefreshAsync();
                await Task.Delay(_failures == 0 ? Moment : Backoff.Pause(_failures, _context.Options.MinBackoff, _context.Options.MaxBackoff, _context.Draw()), _context.Time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
    }

    private async Task RefreshAsync()
    {
        RedisException? failure = null;
        var connected = _nodes.All.Select(node => node.Lines[0].Current).OfType<Connection>().ToArray();
        foreach (var candidate in connected.Select(connection => (connection.EndPoint, connection)).Concat(_context.Options.EndPoints.Select(seed => (seed, (Connection)null!))))
        {
            try
            {
                var ranges = await ReadAsync(candidate.Item1, candidate.Item2);
                if (_nodes.Take(ranges))
                {
                    _context.Pushes.Lost(); // local copies rest on promises of the slots' former nodes
                }

                _failures = 0;
                Volatile.Write(ref _failure, null);
                _ready.TrySetResult();
                return;
            }
            catch (RedisException e)
            {
                failure = e;
            }
        }

        if (int.IsPow2(++_failures)) // an outage of hours is no flood
        {
            _log.LogWarning("The cluster's slots could not be read: {Failure}; attempt {Attempt}", failure!.Message, _failures);
        }

        Volatile.Write(ref _failure, failure);
        Ask();
    }

    private async Task<List<SlotRange>> ReadAsync(EndPoint endPoint, Connection? connection)
    {
        var own = connection is null;
        connection ??= await new Connector(_context).ConnectAsync(endPoint, Credentials.ForServers(_context.Options) with { Tracks = false }, _stop.Token);
        try
        {
            return SlotRange.Parse(await connection.AskAsync(["CLUSTER", "SLOTS"], _stop.Token), endPoint);
        }
        finally
        {
            if (own)
            {
                connection.Abort(new ObjectDisposedException(nameof(ClusterMap)));
            }
        }
    }
}
