using Tenfold.Guide;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Host;

/// <summary>What a host runs, and with what.</summary>
public sealed record HostOptions
{
    /// <summary>The system.</summary>
    public required SystemGuide Guide { get; init; }

    /// <summary>Where its guide was read from; instances are told (<c>TENFOLD_GUIDE</c>).</summary>
    public required string GuideFile { get; init; }

    /// <summary>Its state folder.</summary>
    public required SystemState State { get; init; }

    /// <summary>Told each step and whatever happens; called from many threads.</summary>
    public required Action<HostEvent> Report { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
