using System.Collections.Concurrent;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Memory;
using Tenfold.Caching.Metrics;

namespace Tenfold.Caching;

/// <summary>The keys of one policy: their memory, their flights, their figures.</summary>
internal sealed class CacheRegion(string name, CachePolicy policy, MemoryPartition memory)
{
    private const int MostLarge = 1024;

    private static readonly TimeSpan LargeFor = TimeSpan.FromSeconds(30); // then its loads wait for each other once more

    private readonly ConcurrentDictionary<string, long> _large = new();

    /// <exception cref="ArgumentException">It is not the name of a policy.</exception>
    public static void CheckName(string name)
    {
        if (name.Length is 0 or > 60 || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException($"'{name}' is not the name of a cache policy; allowed: 1 to 60 lower-case letters, digits and dashes.", nameof(name));
        }
    }

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

    public void RememberLarge(string key, Clock clock)
    {
        var until = clock.Now + clock.Ticks(LargeFor);
        if (_large.Count >= MostLarge)
        {
            _large.Clear();
        }

        _large[key] = until;
    }
}
