using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.RateLimiting.Deciding;
using Tenfold.RateLimiting.Memory;
using Tenfold.Redis;

namespace Tenfold.RateLimiting;

/// <summary>
/// Counts callers for all processes together, in Redis and by its clock. While Redis is away, slow, full or emptied, this process
/// decides on its own from what it knows (insurance), so that a request neither fails nor waits for long because of a limit,
/// and the gate stays shut. Whom it knows to be over it refuses without asking. Requests that come at the same time are decided
/// in one round trip, each by itself.
/// </summary>
/// <remarks>
/// Thread-safe. What holds when, in numbers: docs/rate-limits.md. It has a connection to Redis of its own, so that a decision
/// never waits behind a large value of somebody else.
/// </remarks>
public sealed class DistributedRateLimiter : IAsyncDisposable
{
    /// <summary>Limits that one request can be under.</summary>
    public const int MaxChecks = 32;

    private readonly RedisClient? _redis;
    private readonly RedisGate _gate = new();
    private readonly DecisionCounters _counters;
    private readonly LocalDecider _local;
    private readonly Combiner? _combiner;

    /// <summary>Connects in the background: an absent Redis is no error.</summary>
    /// <param name="quotas">Every limit it will be asked about, names unique.</param>
    /// <param name="options">Redis, key prefix, patience.</param>
    /// <param name="time">Clock; only differences count, so steps of the system's clock do not matter.</param>
    /// <param name="logs">Null logs nothing.</param>
    /// <param name="random">Seed of the hash of the caller memory. Default: a new one.</param>
    /// <exception cref="ArgumentException">Two limits have the same name, or the key prefix does not fit a cluster.</exception>
    public DistributedRateLimiter(
        IReadOnlyList<Quota> quotas, RateLimiterOptions options, TimeProvider? time = null, ILoggerFactory? logs = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(quotas);
        ArgumentNullException.ThrowIfNull(options);
        if (quotas.Select(quota => quota.Name).Distinct(StringComparer.Ordinal).Count() != quotas.Count)
        {
            throw new ArgumentException("two limits have the same name", nameof(quotas));
        }

        if (options.Redis is { Topology: RedisTopology.Cluster } && options.KeyPrefix.IndexOf('}', StringComparison.Ordinal) <= options.KeyPrefix.IndexOf('{', StringComparison.Ordinal) + 1)
        {
            throw new ArgumentException($"the key prefix '{options.KeyPrefix}' has no {{hash tag}}, which keeps all limits in one slot of a cluster", nameof(options));
        }

        time ??= TimeProvider.System;
        logs ??= NullLoggerFactory.Instance;
        _counters = new DecisionCounters(quotas, () => IsInsured);
        _local = new LocalDecider([.. quotas], options.KeyPrefix, new CallerMemory(options.RememberedCallers, random ?? new Random()), _counters, time);
        if (options.Redis is not null)
        {
            _redis = new RedisClient(
                options.Redis with { CommandTimeout = options.Patience, ConnectWait = TimeSpan.Zero, ConnectionsPerNode = 1, ClientName = "tenfold-limits" }, time, logs);
            _combiner = new Combiner(_redis, _local, _gate, time, logs.CreateLogger("Tenfold.RateLimiting"));
        }
    }

    /// <summary>Whether this process decides on its own at the moment.</summary>
    public bool IsInsured => _redis is not { IsConnected: true } || _gate.IsClosed;

    /// <summary>What each limit has said so far, by who decided: every combination. Looks (cost 0) are not counted.</summary>
    public IEnumerable<QuotaCount> Counts => _counters.Counts();

    /// <summary>How often Redis was asked.</summary>
    internal long RoundTrips => _counters.RoundTrips;

    /// <summary>Decides one request under several limits at once: it uses something up under all of them, or under none.</summary>
    /// <param name="checks">The limits and who is counted under each; must not change before the decision is there.</param>
    /// <param name="cost">How many requests it counts as; 0 only looks.</param>
    /// <returns>The decision. It never fails because of Redis. Await it once.</returns>
    /// <exception cref="ArgumentException">A limit is not one of this limiter's, or there are none or too many.</exception>
    public ValueTask<RateLimitDecision> DecideAsync(ReadOnlyMemory<QuotaCheck> checks, int cost = 1)
    {
        if (checks.Length is 0 or > MaxChecks)
        {
            throw new ArgumentException($"{checks.Length} limits; allowed: 1 to {MaxChecks}", nameof(checks));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        var now = _local.Now;
        if (_local.KnowsRefusal(checks.Span, cost, now, out var refusal))
        {
            return new(refusal);
        }

        return _redis is { IsConnected: true } && _gate.TryPass(now, out var isTrial) ? _combiner!.AskAsync(checks, cost, now, isTrial) : new(_local.Insure(checks.Span, cost, now));
    }

    /// <summary>
    /// What this process would say without asking anybody: an answer at once for those who must not wait. It uses nothing up.
    /// </summary>
    /// <exception cref="ArgumentException">A limit is not one of this limiter's.</exception>
    public RateLimitDecision Peek(ReadOnlySpan<QuotaCheck> checks) => _local.Peek(checks, _local.Now);

    public async ValueTask DisposeAsync()
    {
        _counters.Dispose();
        if (_redis is not null)
        {
            await _redis.DisposeAsync();
            _combiner!.Dispose();
        }
    }
}
