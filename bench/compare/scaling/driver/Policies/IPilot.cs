using Tenfold.Scaling;

namespace ScalingDriver.Policies;

/// <summary>A policy as it is met in practice: how many instances there shall be, and how late it learns what happens.</summary>
public interface IPilot
{
    /// <summary>Seconds between two decisions. Its metrics are averages over as long.</summary>
    int Every { get; }

    /// <summary>Seconds from the end of a period of metrics to the decision that sees it.</summary>
    int Delay { get; }

    /// <summary>Fewest and most instances.</summary>
    (int Min, int Max) Bounds { get; }

    /// <summary>Instances from now on.</summary>
    int Decide(Snapshot snapshot);
}
