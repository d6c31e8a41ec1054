namespace Tenfold.Postgres.Routing;

/// <summary>Which server is the primary. Pure.</summary>
internal static class PrimaryChoice
{
    /// <summary>
    /// Of those that say so, the one on the highest timeline: a promotion begins a new one, so an old primary that is still alive
    /// loses. On equal timelines the one known so far stays. When nobody says so the last one stays, for it may come back; but
    /// one that says it is a replica is none.
    /// </summary>
    /// <param name="readings">What each server said last; null for one that did not answer.</param>
    /// <param name="current">Index of the primary so far, or -1.</param>
    /// <param name="timeline">The highest timeline that any primary has been on: a primary on an older one was overtaken.</param>
    /// <returns>Index of the primary, or -1.</returns>
    public static int Choose(ReadOnlySpan<NodeReading?> readings, int current, uint timeline)
    {
        var best = -1;
        for (var i = 0; i < readings.Length; i++)
        {
            if (readings[i] is { IsPrimary: true } said && said.Timeline >= timeline
                && (best < 0 || said.Timeline > readings[best]!.Timeline || (said.Timeline == readings[best]!.Timeline && i == current)))
            {
                best = i;
            }
        }

        return best >= 0 ? best : current >= 0 && readings[current] is null ? current : -1;
    }
}
