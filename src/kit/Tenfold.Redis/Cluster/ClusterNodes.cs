using System.Net;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Cluster;

/// <summary>
/// The primaries of a cluster and who has which slot. A redirection corrects one slot at once; a new map replaces all. Nodes
/// that have no slots any more are closed once nothing is under way on them. Thread-safe.
/// </summary>
internal sealed class ClusterNodes(ConnectionContext context, ILogger log, Action<Exception> onLost) : IAsyncDisposable
{
    private const int MostNodes = 1000;

    private readonly Lock _gate = new();
    private readonly Node?[] _ofSlot = new Node?[HashSlot.Count];
    private readonly Dictionary<EndPoint, Node> _all = [];
    private readonly List<(Node Node, int Until)> _leaving = [];
    private Node[] _snapshot = [];
    private bool _isOver;

    /// <summary>Those with slots, or redirected to.</summary>
    public IReadOnlyList<Node> All => Volatile.Read(ref _snapshot);

    public Node? OfSlot(int slot) => Volatile.Read(ref _ofSlot[slot]);

    public bool IsConnected
    {
        get
        {
            var all = All;
            return all.Count > 0 && all.All(node => node.IsConnected) && !Array.Exists(_ofSlot, static node => node is null);
        }
    }

    /// <summary>The node at an address, connected to if it is new; null if there are too many.</summary>
    public Node? At(EndPoint endPoint)
    {
        lock (_gate)
        {
            if (_all.TryGetValue(endPoint, out var node) || _isOver || _all.Count >= MostNodes)
            {
                return node;
            }

            node = new Node(context, new ClusterNodeSettings(endPoint, Credentials.ForServers(context.Options), onLost), log);
            _all.Add(endPoint, node);
            Volatile.Write(ref _snapshot, [.. _all.Values]);
            return node;
        }
    }

    /// <summary>One slot has moved. Whether that is new.</summary>
    public bool Move(int slot, Node to)
    {
        var from = Interlocked.Exchange(ref _ofSlot[slot], to);
        return from is not null && from != to;
    }

    /// <summary>Takes a whole map. Whether slots have moved from one node to another.</summary>
    public bool Take(List<SlotRange> ranges)
    {
        var moved = false;
        var owners = new HashSet<Node>();
        var covered = new bool[HashSlot.Count];
        foreach (var range in ranges)
        {
            if (At(range.Primary) is not { } node)
            {
                continue;
            }

            owners.Add(node);
            for (var slot = range.First; slot <= range.Last; slot++)
            {
                moved |= Move(slot, node);
                covered[slot] = true;
            }
        }

        for (var slot = 0; slot < covered.Length; slot++)
        {
            if (!covered[slot])
            {
                moved |= Interlocked.Exchange(ref _ofSlot[slot], null) is not null;
            }
        }

        lock (_gate)
        {
            foreach (var (endPoint, node) in _all.Where(pair => !owners.Contains(pair.Value)).ToArray())
            {
                _all.Remove(endPoint);
                _leaving.Add((node, context.Ticks.Now + context.CommandTicks));
            }

            Volatile.Write(ref _snapshot, [.. _all.Values]);
        }

        return moved;
    }

    public void Tick(int now)
    {
        foreach (var node in All)
        {
            node.Tick(now);
        }

        lock (_gate)
        {
            for (var i = _leaving.Count - 1; i >= 0; i--)
            {
                var (node, until) = _leaving[i];
                node.Tick(now);
                if (!node.HasPending || until - now <= 0)
                {
                    _leaving.RemoveAt(i);
                    _ = Task.Run(node.DisposeAsync);
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Node[] all;
        lock (_gate)
        {
            _isOver = true;
            all = [.. _all.Values, .. _leaving.Select(leaving => leaving.Node)];
            _leaving.Clear();
        }

        foreach (var node in all)
        {
            await node.DisposeAsync();
        }
    }

    private sealed class ClusterNodeSettings(EndPoint endPoint, Credentials credentials, Action<Exception> onLost) : LineSettings(endPoint, credentials)
    {
        public override void OnLost(Exception reason) => onLost(reason);
    }
}
