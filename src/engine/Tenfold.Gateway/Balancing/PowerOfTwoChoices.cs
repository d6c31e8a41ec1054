namespace Tenfold.Gateway.Balancing;

/// <summary>
/// Draws two by weight and takes the one with fewer requests in flight (Mitzenmacher, "The Power of Two Choices in
/// Randomized Load Balancing"): near the best choice without looking at all, and without a herd on the emptiest.
/// </summary>
public sealed class PowerOfTwoChoices(Random random) : IBalancingPolicy
{
    public int Pick(ReadOnlySpan<Candidate> candidates, ulong? key)
    {
        if (candidates.Length == 1)
        {
            return 0;
        }

        var first = WeightedDraw.Pick(candidates, random.NextDouble(), except: -1);
        var second = WeightedDraw.Pick(candidates, random.NextDouble(), except: first);
        return candidates[second].InFlight < candidates[first].InFlight ? second : first;
    }
}
