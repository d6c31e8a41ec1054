using System.Threading.RateLimiting;

namespace Tenfold.RateLimiting.Framework;

/// <summary>
/// A <see cref="DistributedRateLimiter"/> as <see cref="PartitionedRateLimiter{TResource}"/>, for example for ASP.NET Core's own
/// middleware: <c>options.GlobalLimiter = new DistributedPartitionedRateLimiter&lt;HttpContext&gt;(limiter, quota, context => …)</c>.
/// Thread-safe. It holds nothing of a partition and does not own the limiter.
/// </summary>
/// <remarks>
/// A decision needs Redis, and so <c>AcquireAsync</c>. <c>AttemptAcquire</c>, which may not wait, lets nobody pass; ASP.NET
/// Core's middleware then goes on with <c>AcquireAsync</c> by itself. Nobody is queued.
/// </remarks>
/// <param name="limiter">Who decides.</param>
/// <param name="quota">One of its limits.</param>
/// <param name="caller">Who is counted.</param>
public sealed class DistributedPartitionedRateLimiter<TResource>(DistributedRateLimiter limiter, Quota quota, Func<TResource, Caller> caller)
    : PartitionedRateLimiter<TResource>
{
    /// <summary>What this process knows of a caller; it does not ask Redis.</summary>
    public override RateLimiterStatistics GetStatistics(TResource resource) => new()
    {
        CurrentAvailablePermits = limiter.Peek([new QuotaCheck(quota, caller(resource))]).Quotas[0].Remaining,
    };

    protected override RateLimitLease AttemptAcquireCore(TResource resource, int permitCount) =>
        permitCount == 0 ? new DecisionLease(limiter.Peek([new QuotaCheck(quota, caller(resource))])) : DecisionLease.Undecided;

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(TResource resource, int permitCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(permitCount, quota.Burst);
        return new DecisionLease(await limiter.DecideAsync(new[] { new QuotaCheck(quota, caller(resource)) }, permitCount));
    }
}
