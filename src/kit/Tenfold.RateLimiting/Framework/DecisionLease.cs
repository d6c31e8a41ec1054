using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;

namespace Tenfold.RateLimiting.Framework;

/// <summary>A decision as a lease of <see cref="System.Threading.RateLimiting"/>. Disposing it gives nothing back: what has passed is counted.</summary>
public sealed class DecisionLease : RateLimitLease
{
    /// <summary>Metadata: the whole <see cref="RateLimitDecision"/>, for headers.</summary>
    public static readonly MetadataName<RateLimitDecision> Decision = new("TENFOLD_DECISION");

    private static readonly string[] Names = [MetadataName.RetryAfter.Name, Decision.Name];

    private readonly RateLimitDecision? _decision;

    internal DecisionLease(RateLimitDecision? decision) => _decision = decision;

    /// <summary>A lease of somebody who must wait for the decision: <c>AcquireAsync</c> asks for it.</summary>
    internal static DecisionLease Undecided { get; } = new(null);

    public override bool IsAcquired => _decision?.IsAllowed ?? false;

    public override IEnumerable<string> MetadataNames => _decision is null ? [] : Names;

    public override bool TryGetMetadata(string metadataName, [NotNullWhen(true)] out object? metadata)
    {
        metadata = _decision is null ? null
            : metadataName == Decision.Name ? _decision
            : metadataName == MetadataName.RetryAfter.Name && !_decision.IsAllowed ? _decision.RetryAfter
            : null;
        return metadata is not null;
    }
}
