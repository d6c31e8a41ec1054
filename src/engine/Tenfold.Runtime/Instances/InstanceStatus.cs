using System.Net;

namespace Tenfold.Runtime.Instances;

/// <summary>What an instance is doing.</summary>
public enum InstanceState
{
    /// <summary>Its process was started and has not answered 200 yet.</summary>
    Starting,

    /// <summary>It gets requests.</summary>
    Ready,

    /// <summary>It died and is started again after a wait.</summary>
    Waiting,

    /// <summary>It died again and again; it is started again after a wait.</summary>
    CrashLoop,

    /// <summary>It gets no further requests and finishes those in flight, or was asked to stop.</summary>
    Stopping,

    /// <summary>It is gone for good.</summary>
    Stopped,
}

/// <summary>One instance, at one moment. Immutable.</summary>
public sealed record InstanceStatus
{
    /// <summary>Service and number: <c>api-2</c>.</summary>
    public required string Name { get; init; }

    public InstanceState State { get; init; } = InstanceState.Starting;

    /// <summary>Process id while it runs.</summary>
    public int? Pid { get; init; }

    /// <summary>Where it listens.</summary>
    public EndPoint? EndPoint { get; init; }

    /// <summary>When its present process was started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it became ready, if it is.</summary>
    public DateTimeOffset? ReadySince { get; init; }

    /// <summary>As <see cref="StartedAt"/>, by the clock that never jumps: a timestamp of the host's <see cref="TimeProvider"/>.</summary>
    public long? Started { get; init; }

    /// <summary>As <see cref="ReadySince"/>, by the clock that never jumps.</summary>
    public long? Ready { get; init; }

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; init; }

    /// <summary>How its last process ended, and anything else worth knowing; one sentence.</summary>
    public string? Note { get; init; }
}
