using System.Globalization;

namespace Tenfold.Load.Results;

/// <summary>How the caches of a system's instances answered reads, as their metrics count them (<c>tenfold_cache_hits_total</c>, <c>tenfold_cache_misses_total</c>).</summary>
/// <param name="Hits">Reads answered, by layer: <c>memory</c>, <c>redis</c>.</param>
/// <param name="Misses">Reads that no layer could answer.</param>
public sealed record CacheUse(IReadOnlyDictionary<string, long> Hits, long Misses)
{
    private const string HitsName = "tenfold_cache_hits_total";
    private const string MissesName = "tenfold_cache_misses_total";

    /// <summary>All reads.</summary>
    public long Reads => Hits.Values.Sum() + Misses;

    /// <summary>A layer's share of all reads, 0 to 1.</summary>
    public double ShareOf(string layer) => Reads == 0 ? 0 : (double)Hits.GetValueOrDefault(layer) / Reads;

    /// <summary>Share of the reads that no layer could answer, 0 to 1.</summary>
    public double MissShare => Reads == 0 ? 0 : (double)Misses / Reads;

    /// <summary>What happened between two looks at the instances' metrics, all of them together; null where no instance has a cache that was read.</summary>
    /// <param name="before">Prometheus text by instance.</param>
    /// <param name="after">The same, later. An instance that was replaced meanwhile counts from its start.</param>
    public static CacheUse? Between(IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var sum = new CacheUse(new SortedDictionary<string, long>(StringComparer.Ordinal), 0);
        foreach (var (instance, text) in after)
        {
            var (now, then) = (Read(text), Read(before.GetValueOrDefault(instance, "")));
            sum = sum.Plus(now.Continues(then) ? now.Less(then) : now);
        }

        return sum.Reads > 0 ? sum : null;
    }

    // Counters only grow, unless their process was replaced.
    private bool Continues(CacheUse then) => then.Misses <= Misses && then.Hits.All(layer => layer.Value <= Hits.GetValueOrDefault(layer.Key));

    private CacheUse Plus(CacheUse other) => Combine(other, 1);

    private CacheUse Less(CacheUse other) => Combine(other, -1);

    private CacheUse Combine(CacheUse other, int sign)
    {
        var hits = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var layer in Hits.Keys.Union(other.Hits.Keys))
        {
            hits[layer] = Hits.GetValueOrDefault(layer) + (sign * other.Hits.GetValueOrDefault(layer));
        }

        return new CacheUse(hits, Misses + (sign * other.Misses));
    }

    private static CacheUse Read(string text)
    {
        var hits = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var misses = 0L;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(HitsName, StringComparison.Ordinal) && Value(line) is { } hit && Layer(line) is { } layer)
            {
                hits[layer] = hits.GetValueOrDefault(layer) + hit;
            }
            else if (line.StartsWith(MissesName, StringComparison.Ordinal))
            {
                misses += Value(line) ?? 0;
            }
        }

        return new CacheUse(hits, misses);
    }

    private static string? Layer(ReadOnlySpan<char> line)
    {
        const string label = "layer=\"";
        var at = line.IndexOf(label, StringComparison.Ordinal);
        var rest = at < 0 ? [] : line[(at + label.Length)..];
        var end = rest.IndexOf('"');
        return end > 0 ? rest[..end].ToString() : null;
    }

    private static long? Value(ReadOnlySpan<char> line) =>
        line.LastIndexOf(' ') is var at && at >= 0 && double.TryParse(line[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? (long)value : null;
}
