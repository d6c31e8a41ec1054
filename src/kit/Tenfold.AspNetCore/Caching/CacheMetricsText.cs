using System.Globalization;
using System.Text;
using Tenfold.Caching;
using Tenfold.Caching.Metrics;

namespace Tenfold.AspNetCore.Caching;

/// <summary>The cache's part of <c>GET /metrics</c>, in the Prometheus text format.</summary>
internal static class CacheMetricsText
{
    public static void Write(StringBuilder text, TenfoldCache cache)
    {
        var counts = cache.Counts;
        Head(text, "cache_hits_total", "counter", "Reads answered by a layer of the cache.");
        foreach (var policy in counts)
        {
            text.Append(CultureInfo.InvariantCulture, $"cache_hits_total{{policy=\"{policy.Policy}\",layer=\"memory\"}} {policy.MemoryHits}\n");
            text.Append(CultureInfo.InvariantCulture, $"cache_hits_total{{policy=\"{policy.Policy}\",layer=\"redis\"}} {policy.RedisHits}\n");
        }

        Counter("cache_misses_total", "Reads that no layer could answer.", policy => policy.Misses);
        Counter("cache_loads_total", "Loads begun, with refreshes in the background.", policy => policy.Loads);
        Counter("cache_load_failures_total", "Loads that threw or took too long.", policy => policy.LoadFailures);
        Counter("cache_coalesced_total", "Reads that waited for another one's load.", policy => policy.Coalesced);
        Counter("cache_stale_total", "Reads answered with an expired value.", policy => policy.Stale);
        Counter("cache_overtaken_total", "Loads whose value was invalidated while they ran.", policy => policy.Overtaken);
        Counter("cache_invalidations_total", "Keys invalidated by this process.", policy => policy.Invalidations);
        Single("cache_memory_bytes", "gauge", "Memory held.", cache.MemoryBytes);
        Single("cache_memory_entries", "gauge", "Entries in memory.", cache.MemoryEntries);
        Single("cache_evictions_total", "counter", "Entries that memory had no room for.", cache.Evictions);
        Single("cache_pending_invalidations", "gauge", "Invalidations that Redis does not know of yet.", cache.PendingInvalidations);
        Single("cache_coherent", "gauge", "1 while Redis is in use.", cache.IsCoherent ? 1 : 0);

        void Counter(string name, string help, Func<CacheCounts, long> value)
        {
            Head(text, name, "counter", help);
            foreach (var policy in counts)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}{{policy=\"{policy.Policy}\"}} {value(policy)}\n");
            }
        }

        void Single(string name, string type, string help, long value)
        {
            Head(text, name, type, help);
            text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
        }
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
}
