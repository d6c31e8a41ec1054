using System.Threading.RateLimiting;

namespace Tenfold.RateLimiting.Framework;

/// <summary>
/// One caller of a <see cref="DistributedRateLimiter"/> as <see cref="RateLimiter"/>, for example in a policy of ASP.NET Core:
/// <c>RateLimitPartition.Get(key, key => new CallerRateLimiter(limiter, quota, Caller.Of(key)))</c>. Thread-safe. It does not
/// own the limiter.
/// </summary>
/// <remarks><inheritdoc cref="DistributedPartitionedRateLimiter{TResource}" path="/remarks"/></remarks>
/// <param name="limiter">Who decides.</param>
/// <param name="quota">One of its limits.</param>
/// <param name="caller">Who is counted.</param>
public sealed class CallerRateLimiter(DistributedRateLimiter limiter, Quota quota, Caller caller) : RateLimiter
{
    private long _passed;
    private long _refused;

    /// <summary>Always idle: everything is counted elsewhere, so a partition of it can be dropped at any time.</summary>
    public override TimeSpan? IdleDuration => TimeSpan.MaxValue;

    /// <summary>What this process knows of the caller; it does not ask Redis.</summary>
    public override RateLimiterStatistics GetStatistics() => new()
    {
        CurrentAvailablePermits = limiter.Peek([new QuotaCheck(quota, caller)]).Quotas[0].Remaining,
        TotalSuccessfulLeases = Volatile.Read(ref _passed),
        TotalFailedLeases = Volatile.Read(ref _refused),
    };

    protected override RateLimitLease AttemptAcquireCore(int permitCount) =>
        permitCount == 0 ? new DecisionLease(limiter.Peek([new QuotaCheck(quota, caller)])) : DecisionLease.Undecided;

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(permitCount, quota.Burst);
        var decision = await limiter.DecideAsync(new[] { new QuotaCheck(quota, caller) }, permitCount);
        Interlocked.Increment(ref decision.IsAllowed ? ref _passed : ref _refused);
        return new DecisionLease(decision);
    }
}
