namespace Tenfold.Postgres.Routing;

/// <summary>Who is what, as of the last look. Immutable.</summary>
/// <param name="Primary">The primary, or the last one while there is none; null when none was ever found.</param>
/// <param name="IsReachable">The primary answered.</param>
/// <param name="SystemId">The cluster; 0 while it is not known.</param>
/// <param name="Timeline">The primary's history.</param>
/// <param name="Replicas">All other servers.</param>
/// <param name="Online">Which of them may serve reads.</param>
internal sealed record RoutingView(Node? Primary, bool IsReachable, ulong SystemId, uint Timeline, Node[] Replicas, bool[] Online)
{
    /// <summary>Index of a replica that may serve the read, or -1.</summary>
    public int Choose(in ReadToken? need, TimeSpan limit, uint random)
    {
        Span<ReplicaState> states = stackalloc ReplicaState[Replicas.Length];
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = Replicas[i].State(Online[i]);
        }

        return ReplicaChoice.Choose(states, need, limit, random);
    }

    /// <summary>Whether waiting for replicas makes sense: one is online on the timeline, and not known to be further behind than the wait.</summary>
    public bool MayCatchUp(in ReadToken need, TimeSpan wait)
    {
        for (var i = 0; i < Replicas.Length; i++)
        {
            var state = Replicas[i].State(Online[i]);
            if (state.IsOnline && state.SystemId == need.SystemId && state.Timeline == need.Timeline && state.Lag <= wait)
            {
                return true;
            }
        }

        return false;
    }
}
