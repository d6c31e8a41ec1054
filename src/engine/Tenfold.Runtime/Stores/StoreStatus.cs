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

/// <summary>One store at one moment.</summary>
/// <param name="Name">Its name in the guide.</param>
/// <param name="Engine">PostgreSQL or Redis.</param>
/// <param name="Phase">Where it is in its life.</param>
/// <param name="Port">TCP port on the loopback address.</param>
/// <param name="Pid">Its server's process id, when it runs.</param>
/// <param name="Restarts">How often it was started again without being asked to.</param>
/// <param name="Reason">Why it is not ready, with its last log lines; null when it is.</param>
public sealed record StoreStatus(string Name, StoreEngine Engine, StorePhase Phase, int Port, int? Pid, int Restarts, string? Reason)
{
    /// <summary>Whether it answers.</summary>
    public bool IsReady => Phase == StorePhase.Ready;
}
