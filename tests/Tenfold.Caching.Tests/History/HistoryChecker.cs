using Tenfold.Caching.TestHost;

namespace Tenfold.Caching.Tests.History;

/// <summary>
/// Judges what several processes saw. A read must not return a value whose load began before an invalidation that was
/// acknowledged longer than the bound before the read began: neither an old value nor one that an invalidation overtook.
/// </summary>
internal static class HistoryChecker
{
    /// <summary>A read of a value that was invalidated, and how long ago (ns) that had been acknowledged when the read began.</summary>
    public readonly record struct Violation(HistoryEvent Read, HistoryEvent Invalidation, long Late)
    {
        public override string ToString() =>
            $"key {Read.Key}: node {Read.Node} read version {Read.Version} (load {Read.Load}) {Late / 1e6:0.0} ms after node {Invalidation.Node} had invalidated it at version {Invalidation.Version}";
    }

    public static IReadOnlyList<Violation> Check(IReadOnlyList<HistoryEvent> history, TimeSpan bound)
    {
        var loads = history.Where(e => e.Kind == 'L').ToDictionary(e => e.Load, e => e.Begin);
        foreach (var put in history.Where(e => e.Kind == 'I' && e.Load != 0))
        {
            loads[put.Load] = put.Begin;
        }

        return [.. history.Where(e => e.Kind != 'L').GroupBy(e => e.Key).SelectMany(key => CheckKey([.. key], loads, (long)bound.TotalNanoseconds))];
    }

    private static List<Violation> CheckKey(HistoryEvent[] events, Dictionary<long, long> loads, long bound)
    {
        // In the order of acknowledgement; of all up to each one, the one that began last.
        var acknowledged = events.Where(e => e.Kind == 'I').OrderBy(e => e.End).ToArray();
        var latest = new HistoryEvent[acknowledged.Length];
        for (var i = 0; i < latest.Length; i++)
        {
            latest[i] = i > 0 && latest[i - 1].Begin > acknowledged[i].Begin ? latest[i - 1] : acknowledged[i];
        }

        var wrong = new List<Violation>();
        foreach (var read in events.Where(e => e.Kind == 'R'))
        {
            var before = Before(acknowledged, read.Begin - bound);
            // A value whose load is not in the history was put by a process that could not tell when: only its version counts.
            var stale = before >= 0 && read.Load != latest[before].Load
                && (loads.TryGetValue(read.Load, out var begun) ? begun < latest[before].Begin : read.Version < latest[before].Version);
            if (stale)
            {
                wrong.Add(new Violation(read, latest[before], read.Begin - acknowledged[FirstNewer(acknowledged, read, loads)].End));
            }
        }

        return wrong;
    }

    /// <summary>Index of the last one acknowledged before the time; -1 for none.</summary>
    private static int Before(HistoryEvent[] acknowledged, long time)
    {
        var (low, high) = (0, acknowledged.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (acknowledged[middle].End < time)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }

    private static int FirstNewer(HistoryEvent[] acknowledged, HistoryEvent read, Dictionary<long, long> loads)
    {
        var index = loads.TryGetValue(read.Load, out var begun)
            ? Array.FindIndex(acknowledged, e => e.Begin > begun && e.Load != read.Load)
            : Array.FindIndex(acknowledged, e => e.Version > read.Version);
        return Math.Max(0, index);
    }
}
