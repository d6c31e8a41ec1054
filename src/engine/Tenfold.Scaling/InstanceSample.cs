using System.Runtime.InteropServices;

namespace Tenfold.Scaling;

/// <summary>What one instance was seen to do. What is null was not seen; what is not finite counts as not seen.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct InstanceSample
{
    /// <summary>Where it is in its life.</summary>
    public required InstancePhase Phase { get; init; }

    /// <summary>Since its process was started.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Since it was ready for the first time; null: never yet.</summary>
    public TimeSpan? ReadyFor { get; init; }

    /// <summary>Processor time used, as a share of its limit, over the snapshot's time.</summary>
    public double? Cpu { get; init; }

    /// <summary>Memory used, as a share of its limit.</summary>
    public double? Memory { get; init; }

    /// <summary>Requests that were begun at it a second, over the snapshot's time.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>Requests in flight at it.</summary>
    public double? InFlight { get; init; }
}

/// <summary>Where an instance is in its life.</summary>
public enum InstancePhase
{
    /// <summary>Was not ready yet.</summary>
    Starting,

    /// <summary>Gets requests.</summary>
    Ready,

    /// <summary>Was ready, and is not now; or it has died and is started again.</summary>
    Unready,

    /// <summary>Drains; it is not one of those that are wanted.</summary>
    Leaving,
}
