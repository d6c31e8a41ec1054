using System.Diagnostics.Metrics;
using Tenfold.Caching.Coherence;

namespace Tenfold.Caching.Metrics;

/// <summary>The meter <c>Tenfold.Caching</c>: what <see cref="CacheCounts"/> holds, by policy, and the state of both layers. Nothing is paid while nobody listens.</summary>
internal sealed class CacheMetrics : IDisposable
{
    public const string MeterName = "Tenfold.Caching";

    private readonly Meter _meter = new(MeterName);

    public CacheMetrics(CacheState state, Func<bool> isCoherent)
    {
        _meter.CreateObservableCounter("tenfold.cache.hits", () => state.Regions.Values.SelectMany(Hits), "{read}", "Reads answered from a layer.");
        Counter("tenfold.cache.misses", "{read}", "Reads that no layer could answer.", counts => counts.Misses);
        Counter("tenfold.cache.loads", "{load}", "Loads begun, with refreshes in the background.", counts => counts.Loads);
        Counter("tenfold.cache.load.failures", "{load}", "Loads that threw or took too long.", counts => counts.LoadFailures);
        Counter("tenfold.cache.coalesced", "{read}", "Reads that waited for another one's load.", counts => counts.Coalesced);
        Counter("tenfold.cache.stale", "{read}", "Reads answered with an expired value.", counts => counts.Stale);
        Counter("tenfold.cache.overtaken", "{load}", "Loads whose value was invalidated while they ran.", counts => counts.Overtaken);
        Counter("tenfold.cache.invalidations", "{key}", "Keys invalidated by this process.", counts => counts.Invalidations);
        _meter.CreateObservableCounter("tenfold.cache.tag.invalidations", () => state.TagInvalidations, "{tag}", "Tags invalidated by this process.");
        _meter.CreateObservableCounter("tenfold.cache.evictions", () => state.Memory.Evictions, "{entry}", "Entries that memory had no room for.");
        _meter.CreateObservableGauge("tenfold.cache.memory.bytes", () => state.Memory.Weight, "By", "Memory held.");
        _meter.CreateObservableGauge("tenfold.cache.memory.entries", () => state.Memory.Count, "{entry}", "Entries in memory.");
        _meter.CreateObservableGauge("tenfold.cache.invalidations.pending", () => state.Journal.Count, "{invalidation}", "Invalidations that Redis does not know of yet.");

        _meter.CreateObservableGauge("tenfold.cache.coherent", () => isCoherent() ? 1 : 0, description: "1 while Redis is in use.");

        void Counter(string name, string unit, string description, Func<CacheCounts, long> value) =>
            _meter.CreateObservableCounter(name, () => state.Regions.Values.Select(region => new Measurement<long>(value(region.Counters.Read(region.Name)), Policy(region))), unit, description);
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Hits(CacheRegion region)
    {
        var counts = region.Counters.Read(region.Name);
        yield return new Measurement<long>(counts.MemoryHits, Policy(region), new("layer", "memory"));
        yield return new Measurement<long>(counts.RedisHits, Policy(region), new("layer", "redis"));
    }

    private static KeyValuePair<string, object?> Policy(CacheRegion region) => new("policy", region.Name);
}
