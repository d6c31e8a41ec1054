namespace Tenfold.Gateway.Balancing;

/// <summary>Draws an index in proportion to the weights.</summary>
internal static class WeightedDraw
{
    /// <param name="candidates">At least one beside <paramref name="except"/>.</param>
    /// <param name="u">Uniform in [0, 1).</param>
    /// <param name="except">Index that must not be drawn; -1 for none.</param>
    public static int Pick(ReadOnlySpan<Candidate> candidates, double u, int except)
    {
        var total = 0.0;
        for (var i = 0; i < candidates.Length; i++)
        {
            total += i == except ? 0 : candidates[i].Weight;
        }

        var left = u * total;
        var last = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (i == except)
            {
                continue;
            }

            last = i;
            left -= candidates[i].Weight;
            if (left < 0)
            {
                break;
            }
        }

        return last;
    }
}
