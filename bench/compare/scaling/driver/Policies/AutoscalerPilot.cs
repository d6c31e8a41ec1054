using Tenfold.Guide;
using Tenfold.Scaling;

namespace ScalingDriver.Policies;

/// <summary>Rules of a guide, decided by the code that decides in the running system.</summary>
public sealed class AutoscalerPilot(Scale scale, int delay = 0) : IPilot
{
    private Autoscaler _autoscaler = Autoscaler.For(scale);

    public int Every => (int)scale.Interval.TotalSeconds;

    public int Delay => delay;

    public (int Min, int Max) Bounds => (scale.Min, scale.Most);

    /// <summary>Why the number is what it is.</summary>
    public string Reason { get; private set; } = "";

    public int Decide(Snapshot snapshot)
    {
        (var decision, _autoscaler) = _autoscaler.Decide(snapshot);
        Reason = decision.Reason;
        return decision.To;
    }
}
