using Tenfold.Guide;

namespace Tenfold.Runtime.Stores;

/// <summary>Where a store is in its life.</summary>
public enum StorePhase
{
    /// <summary>Being made, or recovering what it holds.</summary>
    Starting,

    /// <summary>Answers.</summary>
    Ready,

    /// <summary>It ended without being asked to, and is started again after a pause.</summary>
    Restarting,

    /// <summary>It ended again and again; it is still tried, at the longest pause.</summary>
    CrashLoop,

    /// <summary>Stopped on purpose.</summary>
    Stopped,
}

/// <summary>What a PostgreSQL server is to its database.</summary>
public enum StoreRole
{
    /// <summary>Takes writes.</summary>
    Primary,

    /// <summary>Follows the primary and takes reads.</summary>
    Replica,
}

/// <summary>One server of a store at one moment.</summary>
/// <param name="Name">Its name: the store's, with the database's number and its own where there are several (<c>main_2.1</c>).</param>
/// <param name="Engine">PostgreSQL or Redis.</param>
/// <param name="Phase">Where it is in its life.</param>
/// <param name="Port">TCP port on the loopback address.</param>
/// <param name="Pid">Its server's process id, when it runs.</param>
/// <param name="Restarts">How often it was started again without being asked to.</param>
/// <param name="Reason">Why it is not ready, with its last log lines; null when it is.</param>
public sealed record StoreStatus(string Name, StoreEngine Engine, StorePhase Phase, int Port, int? Pid, int Restarts, string? Reason)
{
    /// <summary>The store's name in the guide.</summary>
    public string Store { get; init; } = Name;

    /// <summary>Which of the store's databases, from 0.</summary>
    public int Database { get; init; }

    /// <summary>Of PostgreSQL: its role.</summary>
    public StoreRole? Role { get; init; }

    /// <summary>Of a replica: WAL of the primary that reads on it do not see yet, in bytes; null before it is known.</summary>
    public long? LagBytes { get; init; }

    /// <summary>Of a replica: how long ago the primary wrote what reads on it see last; zero when they see all of it.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>Of a replica: whether commits wait for it, or for one like it.</summary>
    public bool Synchronous { get; init; }

    /// <summary>Of a replica: whether it is fed by its primary.</summary>
    public bool Streams { get; init; }

    /// <summary>Whether it answers.</summary>
    public bool IsReady => Phase == StorePhase.Ready;
}
