namespace Tenfold.Gateway.Balancing;

/// <summary>
/// nginx's smooth weighted round-robin: every candidate earns its weight, the richest is taken and pays the total, so that
/// 5:1:1 gives a a b a c a a rather than a a a a a b c.
/// </summary>
public sealed class SmoothWeighted : IBalancingPolicy
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, double> _credit = [];

    public int Pick(ReadOnlySpan<Candidate> candidates, ulong? key)
    {
        lock (_lock)
        {
            if (_credit.Count > 4 * candidates.Length)
            {
                _credit.Clear(); // Instances come and go; what the gone ones had earned is of no use.
            }

            var (best, richest, total) = (0, double.NegativeInfinity, 0.0);
            for (var i = 0; i < candidates.Length; i++)
            {
                var credit = _credit.GetValueOrDefault(candidates[i].Id) + candidates[i].Weight;
                _credit[candidates[i].Id] = credit;
                total += candidates[i].Weight;
                (best, richest) = credit > richest ? (i, credit) : (best, richest);
            }

            _credit[candidates[best].Id] = richest - total;
            return best;
        }
    }
}
