using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>What was decided about a service's number of instances: a change, or what has kept the rules from one. Immutable.</summary>
/// <param name="Number">Rises by one with each decision of a system, over all its runs.</param>
/// <param name="At">When; UTC.</param>
/// <param name="Service">The service.</param>
/// <param name="From">Instances that were wanted before.</param>
/// <param name="To">Instances that are wanted since.</param>
/// <param name="Wanted">What its rules wanted, before limits; null: they had no wish, or it was done by hand.</param>
/// <param name="Limit">What kept it from that.</param>
/// <param name="Reason">One sentence.</param>
public sealed record ScalingDecision(long Number, DateTimeOffset At, string Service, int From, int To, int? Wanted, ScalingLimit Limit, string Reason)
{
    /// <summary><c>out</c>, <c>in</c> or <c>none</c>.</summary>
    public string Direction => To > From ? "out" : To < From ? "in" : "none";
}
