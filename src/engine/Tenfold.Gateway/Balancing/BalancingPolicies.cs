using Tenfold.Guide;

namespace Tenfold.Gateway.Balancing;

/// <summary>Which policy a guide's word means.</summary>
public static class BalancingPolicies
{
    /// <summary>A new policy with its own state; a route has one.</summary>
    /// <param name="balance">The word.</param>
    /// <param name="random">Where its draws come from; it must be thread-safe.</param>
    public static IBalancingPolicy Create(Balance balance, Random random) => balance switch
    {
        Balance.PowerOfTwoChoices => new PowerOfTwoChoices(random),
        Balance.RoundRobin => new RoundRobin(random),
        Balance.Weighted => new SmoothWeighted(),
        Balance.LeastConnections => new LeastConnections(random),
        Balance.ConsistentHash => new ConsistentHash(random),
        _ => throw new ArgumentOutOfRangeException(nameof(balance), balance, "no such policy"),
    };
}
