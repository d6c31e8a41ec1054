namespace Tenfold.Gateway.Balancing;

/// <summary>One after the other. An instance in slow start is passed over in proportion to what it lacks.</summary>
public sealed class RoundRobin(Random random) : IBalancingPolicy
{
    private uint _next;

    public int Pick(ReadOnlySpan<Candidate> candidates, ulong? key)
    {
        var full = 0.0;
        foreach (ref readonly var candidate in candidates)
        {
            full = Math.Max(full, candidate.Weight);
        }

        var index = 0;
        for (var tries = 0; tries < 4 * candidates.Length; tries++)
        {
            index = (int)((Interlocked.Increment(ref _next) - 1) % (uint)candidates.Length);
            if (candidates[index].Weight >= full || random.NextDouble() * full < candidates[index].Weight)
            {
                return index;
            }
        }

        return index;
    }
}
