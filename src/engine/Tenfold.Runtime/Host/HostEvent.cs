namespace Tenfold.Runtime.Host;

/// <summary>What a host tells while it starts, works and stops.</summary>
public enum HostEventKind
{
    /// <summary>A step was begun.</summary>
    Begun,

    /// <summary>A step is done.</summary>
    Done,

    /// <summary>Something happened that a person may want to know.</summary>
    Note,

    /// <summary>Everything is up.</summary>
    Ready,

    /// <summary>The start failed; everything was stopped.</summary>
    Failed,
}

/// <summary>One thing that a host tells.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The step's name, or a sentence.</param>
/// <param name="Seconds">How long the step took.</param>
/// <param name="Failure">With <see cref="HostEventKind.Failed"/>: what kind of failure.</param>
public sealed record HostEvent(HostEventKind Kind, string Text, double? Seconds = null, RuntimeFailure? Failure = null);
