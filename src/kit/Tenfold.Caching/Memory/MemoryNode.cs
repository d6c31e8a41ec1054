using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Memory;

/// <summary>Where a node stands in the policy's queues.</summary>
internal enum Segment : byte
{
    None,
    Window,
    Probation,
    Protected,
}

/// <summary>One key held in memory. All but <see cref="Entry"/> and the marks belong to the policy's lock.</summary>
internal sealed class MemoryNode(MemoryPartition partition, string key, CacheEntry entry, long weight)
{
    /// <summary>Hits are marked up to here; then a hot entry is only read, and its cache line stays shared.</summary>
    private const int MostMarks = 7;

    private volatile CacheEntry _entry = entry;
    private int _marks;

    public MemoryPartition Partition => partition;

    public string Key => key;

    /// <summary>Of the key within its partition, for the sketch.</summary>
    public int Hash { get; } = HashCode.Combine(partition.Number, key.GetHashCode(StringComparison.Ordinal));

    public long Weight { get; set; } = weight;

    public Segment Segment { get; set; }

    public MemoryNode? Newer { get; set; }

    public MemoryNode? Older { get; set; }

    public CacheEntry Entry
    {
        get => _entry;
        set => _entry = value;
    }

    /// <summary>A hit. Without lock or fence: a mark lost in a race changes nothing that matters.</summary>
    public void Mark()
    {
        if (_marks < MostMarks)
        {
            _marks++;
        }
    }

    /// <summary>The hits since this was last asked, up to 7.</summary>
    public int TakeMarks()
    {
        var marks = _marks;
        _marks = 0;
        return marks;
    }
}
