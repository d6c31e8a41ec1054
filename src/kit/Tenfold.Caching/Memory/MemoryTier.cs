using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Memory;

/// <summary>
/// L1: entries in memory up to a number of bytes, by W-TinyLFU. New entries pass a window of 1%; from there they get into the
/// main space only when the sketch has seen them more often than the entry that they would push out. The main space is a
/// segmented queue (20% probation, 80% protected). Hits only mark their node and are told to the policy when the node comes up
/// for eviction (as CLOCK does), so that a hit takes no lock. Thread-safe.
/// </summary>
internal sealed class MemoryTier
{
    /// <summary>What an entry costs beside its bytes and key: dictionary node, queue node, entry, arrays.</summary>
    private const int Overhead = 320;

    private readonly Lock _lock = new();
    private readonly NodeQueue _window = new(Segment.Window);
    private readonly NodeQueue _probation = new(Segment.Probation);
    private readonly NodeQueue _protected = new(Segment.Protected);
    private readonly FrequencySketch _sketch;
    private readonly List<MemoryPartition> _partitions = [];
    private readonly long _capacity;
    private readonly long _windowCapacity;
    private readonly long _protectedCapacity;
    private long _evictions;
    private int _count;

    /// <param name="capacity">Bytes, with keys and overhead.</param>
    public MemoryTier(long capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1 << 16);
        _capacity = capacity;
        _windowCapacity = Math.Max(capacity / 100, 1 << 12);
        _protectedCapacity = (capacity - _windowCapacity) * 8 / 10;
        _sketch = new FrequencySketch(capacity / 1024);
    }

    public long Capacity => _capacity;

    /// <summary>Bytes held.</summary>
    public long Weight
    {
        get
        {
            lock (_lock)
            {
                return _window.Weight + Main;
            }
        }
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>Entries dropped for want of room since the start, with those that were not admitted.</summary>
    public long Evictions => Interlocked.Read(ref _evictions);

    /// <summary>An entry larger than this is not held: it would push out too many others.</summary>
    public long LargestEntry => _capacity / 8;

    private long Main => _probation.Weight + _protected.Weight;

    /// <summary>The tags that entries in memory stand under.</summary>
    public IReadOnlySet<TagState> TagsInUse()
    {
        MemoryPartition[] partitions;
        lock (_lock)
        {
            partitions = [.. _partitions];
        }

        return partitions.SelectMany(partition => partition.Nodes).SelectMany(node => node.Value.Entry.Tags).ToHashSet();
    }

    public MemoryPartition AddPartition()
    {
        lock (_lock)
        {
            var partition = new MemoryPartition(this, _partitions.Count);
            _partitions.Add(partition);
            return partition;
        }
    }

    /// <summary>Holds the entry in place of the key's last one. False when it is too large, or was not admitted.</summary>
    public bool Put(MemoryPartition partition, string key, CacheEntry entry)
    {
        var weight = entry.Size + (key.Length * 2L) + Overhead;
        lock (_lock)
        {
            if (weight > LargestEntry)
            {
                RemoveLocked(partition, key);
                return false;
            }

            if (partition.Nodes.TryGetValue(key, out var node))
            {
                node.Entry = entry;
                QueueOf(node).Reweigh(node, weight);
            }
            else
            {
                node = new MemoryNode(partition, key, entry, weight);
                partition.Nodes[key] = node;
                _count++;
                _window.Push(node);
            }

            _sketch.Add(node.Hash);
            MakeRoom();
            return node.Segment != Segment.None;
        }
    }

    public void Remove(MemoryPartition partition, string key)
    {
        // Most keys that are invalidated are not held.
        if (partition.Nodes.ContainsKey(key))
        {
            lock (_lock)
            {
                RemoveLocked(partition, key);
            }
        }
    }

    /// <summary>Puts the entry, of the same size, in place of exactly that one.</summary>
    public void Replace(MemoryPartition partition, string key, CacheEntry old, CacheEntry entry)
    {
        lock (_lock)
        {
            if (partition.Nodes.TryGetValue(key, out var node) && ReferenceEquals(node.Entry, old))
            {
                node.Entry = entry;
            }
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            foreach (var partition in _partitions)
            {
                // A node left in a queue by nobody is only garbage; a reader that holds one sees its entry judged as ever.
                partition.Nodes.Clear();
            }

            _window.Clear();
            _probation.Clear();
            _protected.Clear();
            _count = 0;
        }
    }

    private void RemoveLocked(MemoryPartition partition, string key)
    {
        if (partition.Nodes.TryRemove(key, out var node))
        {
            QueueOf(node).Remove(node);
            _count--;
        }
    }

    private NodeQueue QueueOf(MemoryNode node) => node.Segment switch
    {
        Segment.Window => _window,
        Segment.Probation => _probation,
        _ => _protected,
    };

    private void MakeRoom()
    {
        while (_window.Weight > _windowCapacity && _window.Oldest is { } candidate)
        {
            _window.Remove(candidate);
            _sketch.Add(candidate.Hash, candidate.TakeMarks());
            Admit(candidate);
        }

        // A replaced entry may have grown.
        while (_window.Weight + Main > _capacity && Victim() is { } victim)
        {
            _probation.Remove(victim);
            Drop(victim);
        }
    }

    private void Admit(MemoryNode candidate)
    {
        var room = _capacity - _windowCapacity;
        while (Main + candidate.Weight > room && Victim() is { } victim)
        {
            if (_sketch.Estimate(candidate.Hash) <= _sketch.Estimate(victim.Hash))
            {
                Drop(candidate);
                return;
            }

            _probation.Remove(victim);
            Drop(victim);
        }

        _probation.Push(candidate);
    }

    /// <summary>The oldest entry of probation that was not asked for since it was last looked at. Asked-for ones are promoted.</summary>
    private MemoryNode? Victim()
    {
        while (true)
        {
            if (_probation.Oldest is not { } oldest)
            {
                if (_protected.Oldest is not { } demoted)
                {
                    return null;
                }

                _protected.Remove(demoted);
                _sketch.Add(demoted.Hash, demoted.TakeMarks());
                _probation.Push(demoted);
                continue;
            }

            var marks = oldest.TakeMarks();
            if (marks == 0)
            {
                return oldest;
            }

            _sketch.Add(oldest.Hash, marks);
            _probation.Remove(oldest);
            _protected.Push(oldest);
            Demote();
        }
    }

    /// <summary>Keeps the protected part within its share. What was hit meanwhile gets one more round.</summary>
    private void Demote()
    {
        for (var rounds = 0; _protected.Weight > _protectedCapacity && _protected.Oldest is { } oldest; rounds++)
        {
            var marks = oldest.TakeMarks();
            _sketch.Add(oldest.Hash, marks);
            _protected.Remove(oldest);
            if (marks > 0 && rounds < 8)
            {
                _protected.Push(oldest);
            }
            else
            {
                _probation.Push(oldest);
            }
        }
    }

    private void Drop(MemoryNode node)
    {
        node.Partition.Nodes.TryRemove(node.Key, out _);
        _count--;
        Interlocked.Increment(ref _evictions);
    }
}
