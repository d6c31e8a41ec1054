using System.Net;
using System.Runtime.CompilerServices;
using Tenfold.Gateway.Forwarding;
using Tenfold.Guide;
using Tenfold.RateLimiting;
using Tenfold.RateLimiting.Headers;
using Tenfold.RateLimiting.Rules;

namespace Tenfold.Gateway.RateLimiting;

/// <summary>The limits that requests of one route can be under. Thread-safe.</summary>
internal sealed class RouteLimits(GatewayRateLimits limits, LimitRule[] rules, PathPattern path)
{
    private readonly Caller _everyone = Caller.Of(path.ToString());

    /// <summary>Counts a request, and answers it with 429 when it is over. Its answer will say how things stand, whichever it is.</summary>
    /// <returns>Whether it may go on.</returns>
    public ValueTask<bool> AdmitAsync(ClientExchange exchange)
    {
        var checks = Checks(exchange);
        return checks.Length == 0 ? new(true) : DecideAsync(exchange, checks);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> DecideAsync(ClientExchange exchange, QuotaCheck[] checks)
    {
        var decision = await limits.Limiter.DecideAsync(checks);
        exchange.AddLines(decision, RateLimitFields.MaxLinesLength(decision), static (decision, into) => RateLimitFields.WriteLines(decision, into));
        if (decision.IsAllowed)
        {
            return true;
        }

        await exchange.RespondAsync(429, Problem.ContentType, RateLimitFields.Problem(decision));
        return false;
    }

    private QuotaCheck[] Checks(ClientExchange exchange)
    {
        var request = exchange.Request;
        Span<QuotaCheck> checks = new QuotaCheck[rules.Length];
        var count = 0;
        IPAddress? address = null;
        foreach (var rule in rules)
        {
            if (rule.Takes(request.Method, request.Path, out var route) && !(rule.HasExceptions && rule.Excepts(address ??= ForwardedFor.Origin(request, exchange.Client))))
            {
                checks[count++] = new QuotaCheck(rule.Quota, rule.By switch
                {
                    CountedBy.Route => route == Caller.Everyone ? _everyone : route,
                    CountedBy.Header when request.TryGet(rule.HeaderBytes.Span, out var value) && !value.IsEmpty => Caller.Of(value),
                    _ => Caller.Of(address ??= ForwardedFor.Origin(request, exchange.Client)),
                });
            }
        }

        return count == 0 ? [] : checks[..count].ToArray();
    }
}
