using Microsoft.Extensions.Logging;
using Tenfold.Guide;
using Tenfold.RateLimiting;
using Tenfold.RateLimiting.Rules;
using Tenfold.Redis;

namespace Tenfold.Gateway.RateLimiting;

/// <summary>The guide's rate limits that the gateway enforces. Thread-safe.</summary>
internal sealed class GatewayRateLimits : IAsyncDisposable
{
    private readonly LimitRules _rules;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private DistributedRateLimiter _limiter;

    public GatewayRateLimits(SystemGuide guide, TimeProvider time, ILoggerFactory logs)
    {
        (_rules, _time, _logs) = (LimitRules.Of(guide, RateLimitPlace.Gateway), time, logs);
        _limiter = new DistributedRateLimiter(_rules.Quotas, new RateLimiterOptions(), time, logs);
    }

    /// <summary>Who decides. Until the store is known that is this process alone.</summary>
    public DistributedRateLimiter Limiter => Volatile.Read(ref _limiter);

    /// <summary>The limits that requests of a route can be under; null when there is none, and then there is nothing to do for them.</summary>
    public RouteLimits? For(Route route) => _rules.Rules.Where(rule => rule.CanTake(route.Path, route.Methods)).ToArray() is { Length: > 0 } rules
        ? new RouteLimits(this, rules, route.Path)
        : null;

    /// <summary>Counts in this store from now on, if it is the one that the guide means.</summary>
    public async ValueTask ConnectAsync(string store, string connectionString)
    {
        if (store != _rules.Store)
        {
            return;
        }

        var options = new RateLimiterOptions { Redis = RedisOptions.Parse(connectionString), KeyPrefix = _rules.KeyPrefix };
        await Interlocked.Exchange(ref _limiter, new DistributedRateLimiter(_rules.Quotas, options, _time, _logs)).DisposeAsync();
    }

    public ValueTask DisposeAsync() => Limiter.DisposeAsync();
}
