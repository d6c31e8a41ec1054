namespace Tenfold.Gateway.Balancing;

/// <summary>
/// Weighted rendezvous hashing (Thaler and Ravishankar; weights by Schindelhauer and Schomaker): the key goes to the
/// instance with the highest score, so an instance that comes takes only its share and one that goes gives only its own
/// away. Without a key any instance is drawn.
/// </summary>
public sealed class ConsistentHash(Random random) : IBalancingPolicy
{
    public int Pick(ReadOnlySpan<Candidate> candidates, ulong? key)
    {
        if (key is not { } hash)
        {
            return WeightedDraw.Pick(candidates, random.NextDouble(), except: -1);
        }

        var (best, highest) = (0, double.NegativeInfinity);
        for (var i = 0; i < candidates.Length; i++)
        {
            // 53 bits, never 0 or 1, so that the logarithm is finite and below 0.
            var u = ((StableHash.Mix(hash ^ candidates[i].Id) >> 11) + 0.5) / (1UL << 53);
            var score = -candidates[i].Weight / Math.Log(u);
            (best, highest) = score > highest ? (i, score) : (best, highest);
        }

        return best;
    }
}
