using System.Collections.Concurrent;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Memory;
using Tenfold.Caching.Metrics;

namespace Tenfold.Caching;

/// <summary>The keys of one policy: their memory, their flights, their figures.</summary>
internal sealed class CacheRegion(string name, CachePolicy policy, MemoryPartition memory)
{
    private const int MostLarge = 1024;

    private readonly ConcurrentDictionary<string, long> _large = new();

    /// <summary>The policy's name.</summary>
    public string Name => name;

    /// <summary>Name of its keys in Redis, with the policy's version.</summary>
    public string Partition { get; } = $"{name}.{policy.Version}";

    public CachePolicy Policy => policy;

    public MemoryPartition Memory => memory;

    public ConcurrentDictionary<string, Flight> Flights { get; } = new();

    public RegionCounters Counters { get; } = new();

    /// <summary>Whether the key's value was over the size limit lately: its loads then do not wait for each other in the cluster.</summary>
    public bool IsLarge(string key, long now) => !_large.IsEmpty && _large.TryGetValue(key, out var until) && now < until;

    public void RememberLarge(string key, long until)
    {
        if (_large.Count >= MostLarge)
        {
            _large.Clear();
        }

        _large[key] = until;
    }
}
