namespace Tenfold.Gateway.Balancing;

/// <summary>
/// Draws two by weight and takes the one with fewer requests in flight for its weight (Mitzenmacher, "The Power of Two Choices in
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
        ref readonly var drawn = ref candidates[first];
        ref readonly var other = ref candidates[second];
        // Without the first one a light candidate is drawn too often: it stands only as often as its weight allows, and
        // busy is what is busy for its weight. Otherwise being idle would outweigh slow start and every split of traffic.
        if (other.Weight < drawn.Weight && random.NextDouble() * drawn.Weight >= other.Weight)
        {
            return first;
        }

        return other.InFlight * drawn.Weight < drawn.InFlight * other.Weight ? second : first;
    }
}
