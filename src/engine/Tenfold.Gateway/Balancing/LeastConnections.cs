namespace Tenfold.Gateway.Balancing;

/// <summary>The one with the fewest requests in flight for its weight; equals are drawn by weight.</summary>
public sealed class LeastConnections(Random random) : IBalancingPolicy
{
    public int Pick(ReadOnlySpan<Candidate> candidates, ulong? key)
    {
        var least = double.PositiveInfinity;
        foreach (ref readonly var candidate in candidates)
        {
            least = Math.Min(least, candidate.InFlight / candidate.Weight);
        }

        // Reservoir sampling by weight among the equals: one pass, no list.
        var (chosen, total) = (0, 0.0);
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].InFlight / candidates[i].Weight <= least)
            {
                total += candidates[i].Weight;
                chosen = random.NextDouble() * total < candidates[i].Weight ? i : chosen;
            }
        }

        return chosen;
    }
}
