namespace Tenfold.Runtime.Stores;

/// <summary>How long what may last, and how far behind is near enough.</summary>
internal sealed record FailoverLimits
{
    /// <summary>How often servers are asked. Default 1 s.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A server that gives no good answer for so long hangs or is dead. Default 5 s.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Fewest questions in a row without an answer before anything is done: one alone may have been this process's own delay. Default 4.</summary>
    public int Unanswered { get; init; } = 4;

    /// <summary>Without synchronous replication: a replica takes over only if it is known to have all WAL of the primary but so much. Default 16 MiB.</summary>
    public long MostLost { get; init; } = 16L << 20;

    /// <summary>A replica that answers but is not fed for so long cannot follow. Default 10 s.</summary>
    public TimeSpan NotFed { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A server of a database as the host sees it now.</summary>
/// <param name="Index">Which one.</param>
/// <param name="Answers">Whether it answered the last question.</param>
/// <param name="SilentFor">Time since its last answer.</param>
/// <param name="Unanswered">Questions in a row without an answer.</param>
/// <param name="Received">Position up to which it has WAL, in bytes, when it last answered.</param>
internal sealed record NodeView(int Index, bool Answers, TimeSpan SilentFor, int Unanswered, long Received)
{
    public bool IsSilent(FailoverLimits limits) => !Answers && SilentFor >= limits.Silence && Unanswered >= limits.Unanswered;
}

/// <summary>What to do about a primary.</summary>
internal enum PrimaryAction
{
    /// <summary>Nothing: it is well, or it may come back by itself.</summary>
    None,

    /// <summary>A replica takes over.</summary>
    Promote,

    /// <summary>No replica may; it is killed and started again where it is, which loses nothing.</summary>
    Restart,
}

/// <summary>What to do about a replica.</summary>
internal enum ReplicaAction
{
    None,

    /// <summary>It hangs: killed, and started again by its supervisor.</summary>
    Restart,

    /// <summary>It cannot follow: its data is wound back.</summary>
    Rewind,

    /// <summary>It cannot follow and winding back is of no use: copied anew.</summary>
    Copy,
}

/// <summary>A replica as the host sees it now.</summary>
/// <param name="Node">As a server.</param>
/// <param name="IsStarted">Its supervisor runs; false after a repair that failed.</param>
/// <param name="Phase">Where it is in its life.</param>
/// <param name="HasData">Whether there is a complete cluster.</param>
/// <param name="NotFedFor">How long it has been answering without being fed.</param>
/// <param name="SlotIsLost">The WAL that it needs is gone.</param>
/// <param name="Repairs">Repairs since it last followed.</param>
internal sealed record ReplicaView(NodeView Node, bool IsStarted, StorePhase Phase, bool HasData, TimeSpan NotFedFor, bool SlotIsLost, int Repairs);

/// <summary>When a replica takes over, and when one is repaired. Pure.</summary>
internal static class FailoverRules
{
    /// <summary>
    /// A primary that died is started again where it is: that loses nothing and is the quickest. Only one that has not answered for
    /// <see cref="FailoverLimits.Silence"/> is replaced.
    /// </summary>
    /// <param name="primary">The primary.</param>
    /// <param name="replicas">Its replicas.</param>
    /// <param name="synchronous">Whether commits wait for a replica.</param>
    /// <param name="synced">See <see cref="Topology.Synced"/>.</param>
    /// <param name="limits">Limits.</param>
    public static (PrimaryAction Action, IReadOnlyList<int> Candidates) Decide(
        NodeView primary, IReadOnlyList<NodeView> replicas, bool synchronous, IReadOnlyList<int> synced, FailoverLimits limits)
    {
        if (!primary.IsSilent(limits))
        {
            return (PrimaryAction.None, []);
        }

        var candidates = Candidates(primary, replicas, synchronous, synced, limits);
        return (candidates.Count > 0 ? PrimaryAction.Promote : PrimaryAction.Restart, candidates);
    }

    /// <summary>The replica with the most WAL; of equals the first one.</summary>
    public static int Best(IEnumerable<NodeView> candidates) => candidates.OrderByDescending(one => one.Received).ThenBy(one => one.Index).First().Index;

    public static ReplicaAction Decide(ReplicaView replica, bool primaryAnswers, FailoverLimits limits)
    {
        if (replica.IsStarted && replica.Phase == StorePhase.Ready && replica.Node.IsSilent(limits))
        {
            return ReplicaAction.Restart;
        }

        if (!primaryAnswers)
        {
            return ReplicaAction.None; // nothing to copy from
        }

        if (!replica.HasData || replica.SlotIsLost || replica.Phase == StorePhase.CrashLoop)
        {
            return ReplicaAction.Copy;
        }

        if (!replica.IsStarted || replica.NotFedFor >= limits.NotFed)
        {
            return replica.Repairs == 0 ? ReplicaAction.Rewind : ReplicaAction.Copy;
        }

        return ReplicaAction.None;
    }

    // An answered commit is on one of the synced ones at least: with all of them in sight, the one with the most WAL has it.
    private static List<int> Candidates(NodeView primary, IReadOnlyList<NodeView> replicas, bool synchronous, IReadOnlyList<int> synced, FailoverLimits limits)
    {
        var answering = replicas.Where(one => one.Answers).ToList();
        if (synchronous)
        {
            return synced.Count > 0 && synced.All(index => answering.Exists(one => one.Index == index)) ? [.. synced] : [];
        }

        return [.. answering.Where(one => one.Received >= primary.Received - limits.MostLost).Select(one => one.Index)];
    }
}
