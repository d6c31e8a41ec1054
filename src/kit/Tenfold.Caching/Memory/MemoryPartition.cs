using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Memory;

/// <summary>The keys of one policy in the memory tier; all partitions share one budget. Thread-safe; a hit takes no lock.</summary>
internal sealed class MemoryPartition(MemoryTier tier, int number)
{
    public int Number => number;

    /// <summary>Nodes by key. Changed only under the tier's lock.</summary>
    internal ConcurrentDictionary<string, MemoryNode> Nodes { get; } = new();

    /// <summary>Whatever is held, also when it has expired: the caller judges. Does not allocate.</summary>
    public bool TryGet(string key, [NotNullWhen(true)] out CacheEntry? entry)
    {
        if (Nodes.TryGetValue(key, out var node))
        {
            node.Mark();
            entry = node.Entry;
            return true;
        }

        entry = null;
        return false;
    }

    public bool Put(string key, CacheEntry entry) => tier.Put(this, key, entry);

    public void Remove(string key) => tier.Remove(this, key);

    /// <summary>Puts the entry in place of exactly that one; does nothing when it is not there any more.</summary>
    public void Replace(string key, CacheEntry old, CacheEntry entry) => tier.Replace(this, key, old, entry);
}
