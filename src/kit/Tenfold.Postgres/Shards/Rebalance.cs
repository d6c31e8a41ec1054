namespace Tenfold.Postgres.Shards;

/// <summary>One bucket that should change its database.</summary>
public sealed record BucketMove(int Bucket, int From, int To);

/// <summary>Which buckets to move so that databases carry about the same. Pure.</summary>
public static class Rebalance
{
    /// <summary>Databases within this share of the mean are left as they are.</summary>
    public const double DefaultThreshold = 0.10;

    /// <summary>
    /// Greedy: from the most to the least loaded database, the largest bucket that brings both nearer the mean; until all are within the
    /// threshold, or no bucket does that any more. No bucket is moved twice.
    /// </summary>
    /// <param name="owners">Database of each bucket.</param>
    /// <param name="weights">Weight of each bucket, in any unit; at least 0.</param>
    /// <param name="databases">All databases, those without buckets too.</param>
    /// <param name="threshold">Accepted distance from the mean, as a share of it.</param>
    public static IReadOnlyList<BucketMove> Plan(IReadOnlyList<int> owners, IReadOnlyList<long> weights, IReadOnlyList<int> databases, double threshold = DefaultThreshold)
    {
        if (owners.Count != weights.Count)
        {
            throw new ArgumentException($"{owners.Count} owners but {weights.Count} weights", nameof(weights));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(threshold);
        var now = owners.ToArray();
        var loads = databases.ToDictionary(database => database, _ => 0.0);
        for (var bucket = 0; bucket < now.Length; bucket++)
        {
            loads[now[bucket]] += weights[bucket];
        }

        var mean = loads.Values.DefaultIfEmpty(0).Average();
        while (loads.Values.Any(load => Math.Abs(load - mean) > threshold * mean) && Next(now, weights, loads, mean) is { } move)
        {
            now[move.Bucket] = move.To;
            loads[move.From] -= weights[move.Bucket];
            loads[move.To] += weights[move.Bucket];
        }

        return [.. Enumerable.Range(0, now.Length).Where(bucket => now[bucket] != owners[bucket]).Select(bucket => new BucketMove(bucket, owners[bucket], now[bucket]))];
    }

    // The pair that is furthest apart first; a database whose buckets are all too large does not keep the others from being evened.
    private static BucketMove? Next(int[] owners, IReadOnlyList<long> weights, Dictionary<int, double> loads, double mean)
    {
        foreach (var (from, high) in loads.Where(one => one.Value > mean).OrderByDescending(one => one.Value).ThenBy(one => one.Key))
        {
            foreach (var (to, low) in loads.Where(one => one.Value < mean).OrderBy(one => one.Value).ThenBy(one => one.Key))
            {
                // Nearer on both sides: a weight under twice either distance.
                var limit = 2 * Math.Min(high - mean, mean - low);
                var best = -1;
                for (var bucket = 0; bucket < owners.Length; bucket++)
                {
                    if (owners[bucket] == from && weights[bucket] > 0 && weights[bucket] < limit && (best < 0 || weights[bucket] > weights[best]))
                    {
                        best = bucket;
                    }
                }

                if (best >= 0)
                {
                    return new BucketMove(best, from, to);
                }
            }
        }

        return null;
    }
}
