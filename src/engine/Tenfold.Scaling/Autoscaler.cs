using Tenfold.Guide;

namespace Tenfold.Scaling;

/// <summary>
/// The scaling rules of one service with all that they remember: (state, snapshot) → (decision, new state). Immutable and pure; the same in
/// the running system and in the simulation.
/// </summary>
public sealed record Autoscaler
{
    private Autoscaler(Scale scale) => Scale = scale;

    /// <summary>The rules.</summary>
    public Scale Scale { get; }

    /// <summary>Of a service that was not watched before.</summary>
    public static Autoscaler For(Scale scale)
    {
        ArgumentNullException.ThrowIfNull(scale);
        return new Autoscaler(scale);
    }

    /// <summary>What is to be done now. To be called once in every <see cref="Scale.Interval"/>.</summary>
    public (Decision Decision, Autoscaler Next) Decide(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return (new Decision(snapshot.At, snapshot.Count, snapshot.Count, null, ScalingLimit.None, "no rule"), this);
    }
}
