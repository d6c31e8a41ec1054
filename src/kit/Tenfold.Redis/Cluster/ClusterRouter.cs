using System.Net;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Protocol;
using Tenfold.Redis.Routing;

namespace Tenfold.Redis.Cluster;

/// <summary>
/// Sends each command to the primary of its key's slot and follows redirections. The map of the slots is read at the start,
/// when something points to a change, and now and then. Commands keep their bytes until they are answered, because a node may
/// refuse one that it no longer has the slot for; what may have been executed is never sent again.
/// </summary>
internal sealed class ClusterRouter : Router
{
    private const int QuickRedirections = 5;

    private readonly ConnectionContext _context;
    private readonly ClusterNodes _nodes;
    private readonly ClusterMap _map;
    private readonly Lock _gate = new();
    private readonly WaitingOperations _delayed; // sent again at the next tick
    private bool _isOver;

    public ClusterRouter(ConnectionContext context, ILogger log)
    {
        (_context, _delayed) = (context, new WaitingOperations(context.Options));
        _nodes = new ClusterNodes(context, log, _ => _map?.Ask());
        _map = new ClusterMap(context, _nodes, log);
    }

    public override bool IsConnected => _nodes.IsConnected;

    public override bool NeedsSlots => true;

    public override bool SplitsKeys => true;

    public override void Send(Operation operation, ReadOnlySpan<RedisArgument> command)
    {
        operation.Command = new CommandBuffer(256);
        operation.Command.Write(command);
        Send(operation);
    }

    public override void Send(Operation operation)
    {
        if (_nodes.OfSlot(operation.Slot) is { } node)
        {
            node.LineOf(operation.Slot).Send(operation);
        }
        else if (!Redirects(operation))
        {
            var why = _map.Failure?.Message ?? $"no node has slot {operation.Slot}";
            operation.TryFail(new RedisConnectionException($"The cluster cannot be reached: {why}", mayHaveExecuted: false, _map.Failure));
        }
    }

    public override bool Redirects(Operation operation, RedisReply error, EndPoint from)
    {
        var (kind, slot, to) = Redirection.Parse(error.ErrorBytes, from);
        if (kind is RedirectionKind.None || !operation.IsMovable || operation.IsSettled)
        {
            return false;
        }

        if (kind is RedirectionKind.Refresh)
        {
            _map.Ask();
        }

        if (kind is RedirectionKind.Again or RedirectionKind.Refresh)
        {
            return DelayInTime(operation);
        }

        if (to is null || _nodes.At(to) is not { } node)
        {
            return false;
        }

        if (kind is RedirectionKind.Moved && _nodes.Move(slot, node))
        {
            _context.Pushes.Lost();
            _map.Ask();
        }

        // While a slot changes hands two nodes may for a moment each name the other.
        if (operation.Redirections++ >= QuickRedirections)
        {
            return DelayInTime(operation);
        }

        operation.BeginAgain(asking: kind is RedirectionKind.Ask);
        _context.Counters.Redirected();
        // Not from the loop that reads: sending may have to wait for another connection's writer.
        ThreadPool.UnsafeQueueUserWorkItem(static pair => pair.Line.Send(pair.Operation), (Line: node.LineOf(operation.Slot), Operation: operation), preferLocal: false);
        return true;
    }

    // Not sent, or to no node: again until the wait for a connection is over, by then perhaps elsewhere.
    public override bool Redirects(Operation operation)
    {
        if (!operation.IsMovable)
        {
            return false;
        }

        operation.WaitForConnection(_context);
        _map.Ask();
        return operation.ConnectDeadline - _context.Ticks.Now > 0 && Delay(operation);
    }

    public override LineSettings SettingsOf(int slot) => new AnyNodeSettings(this, Credentials.ForServers(_context.Options));

    public override void Tick(int now)
    {
        _map.Tick(now);
        _nodes.Tick(now);
        Operation[] delayed;
        lock (_gate)
        {
            delayed = _delayed.TakeAll();
        }

        foreach (var operation in delayed)
        {
            if (!operation.IsSettled)
            {
                Send(operation);
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _map.DisposeAsync();
        await _nodes.DisposeAsync();
        Operation[] delayed;
        lock (_gate)
        {
            _isOver = true;
            delayed = _delayed.TakeAll();
        }

        foreach (var operation in delayed)
        {
            operation.TryFail(new RedisConnectionException("The client was disposed.", mayHaveExecuted: false));
        }
    }

    private bool DelayInTime(Operation operation) => operation.Deadline - _context.Ticks.Now > 1 && Delay(operation);

    private bool Delay(Operation operation)
    {
        lock (_gate)
        {
            if (_isOver || !_delayed.TryAdd(operation))
            {
                return false;
            }

            operation.BeginAgain();
            return true;
        }
    }

    /// <summary>For connections that any node will do for.</summary>
    private sealed class AnyNodeSettings(ClusterRouter router, Credentials credentials) : LineSettings(router._context.Options.EndPoints[0], credentials)
    {
        private EndPoint? _last;

        public override EndPoint EndPoint => _last ?? base.EndPoint;

        public override async ValueTask<EndPoint> FindAsync(CancellationToken cancel)
        {
            await router._map.ReadyAsync(cancel);
            var nodes = router._nodes.All;
            return _last = nodes.FirstOrDefault(node => node.IsConnected)?.Settings.EndPoint ?? (nodes.Count > 0 ? nodes[0].Settings.EndPoint : base.EndPoint);
        }
    }
}
