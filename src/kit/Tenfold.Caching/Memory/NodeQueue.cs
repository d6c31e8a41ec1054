namespace Tenfold.Caching.Memory;

/// <summary>A doubly linked queue through the nodes themselves, with its weight in bytes. Not thread-safe.</summary>
internal sealed class NodeQueue(Segment segment)
{
    private MemoryNode? _newest;

    public MemoryNode? Oldest { get; private set; }

    /// <summary>Bytes.</summary>
    public long Weight { get; private set; }

    public void Push(MemoryNode node)
    {
        node.Segment = segment;
        (node.Newer, node.Older) = (null, _newest);
        if (_newest is not null)
        {
            _newest.Newer = node;
        }

        _newest = node;
        Oldest ??= node;
        Weight += node.Weight;
    }

    public void Remove(MemoryNode node)
    {
        if (node.Newer is null)
        {
            _newest = node.Older;
        }
        else
        {
            node.Newer.Older = node.Older;
        }

        if (node.Older is null)
        {
            Oldest = node.Newer;
        }
        else
        {
            node.Older.Newer = node.Newer;
        }

        (node.Newer, node.Older, node.Segment) = (null, null, Segment.None);
        Weight -= node.Weight;
    }

    public void Reweigh(MemoryNode node, long weight)
    {
        Weight += weight - node.Weight;
        node.Weight = weight;
    }

    public void Clear() => (_newest, Oldest, Weight) = (null, null, 0);
}
