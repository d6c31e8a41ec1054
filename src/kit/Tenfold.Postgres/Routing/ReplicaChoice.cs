using System.Runtime.InteropServices;

namespace Tenfold.Postgres.Routing;

/// <summary>What is known of a replica when one is chosen.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReplicaState(bool IsOnline, ulong SystemId, uint Timeline, ulong Lsn, TimeSpan Lag, int Load);

/// <summary>
/// Which replica serves a read. Pure. Power of two choices (Mitzenmacher 2001): of two that are fit, taken at random, the one
/// with less to do, a late one counting as busier.
/// </summary>
internal static class ReplicaChoice
{
    /// <param name="replicas">All of them.</param>
    /// <param name="need">What it must have replayed; null when anything within the lag limit will do.</param>
    /// <param name="limit">The lag limit, which makes a replica count double.</param>
    /// <param name="random">Any number.</param>
    /// <returns>Index of a replica, or -1 when none is fit.</returns>
    public static int Choose(ReadOnlySpan<ReplicaState> replicas, in ReadToken? need, TimeSpan limit, uint random)
    {
        var fit = 0;
        foreach (ref readonly var replica in replicas)
        {
            fit += IsFit(replica, need) ? 1 : 0;
        }

        if (fit == 0)
        {
            return -1;
        }

        var first = Nth(replicas, need, (int)(random % (uint)fit));
        if (fit == 1)
        {
            return first;
        }

        var apart = 1 + (int)(random / (uint)fit % (uint)(fit - 1));
        var second = Nth(replicas, need, ((int)(random % (uint)fit) + apart) % fit);
        return Cost(replicas[second], limit) < Cost(replicas[first], limit) ? second : first;
    }

    /// <summary>Whether a replica may serve a read.</summary>
    public static bool IsFit(in ReplicaState replica, in ReadToken? need) =>
        replica.IsOnline
        && (need is not { } token || (replica.SystemId == token.SystemId && replica.Timeline == token.Timeline && replica.Lsn >= (ulong)token.Lsn));

    private static int Nth(ReadOnlySpan<ReplicaState> replicas, in ReadToken? need, int n)
    {
        for (var i = 0; ; i++)
        {
            if (IsFit(replicas[i], need) && n-- == 0)
            {
                return i;
            }
        }
    }

    private static double Cost(in ReplicaState replica, TimeSpan limit) => (replica.Load + 1) * (1 + (replica.Lag / limit));
}
