using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tenfold.AspNetCore.Errors;
using Tenfold.RateLimiting;
using Tenfold.RateLimiting.Headers;
using Tenfold.RateLimiting.Rules;

namespace Tenfold.AspNetCore.RateLimiting;

/// <summary>Marks an endpoint that no rate limit is about: health checks and metrics.</summary>
internal sealed class NotCounted;

/// <summary>Enforces the guide's rate limits that say <c>at: app</c>: 429 with a problem document, and on every answer how things stand.</summary>
internal sealed class RateLimitMiddleware(RequestDelegate next, AppRateLimits limits)
{
    public Task InvokeAsync(HttpContext context)
    {
        var checks = context.GetEndpoint()?.Metadata.GetMetadata<NotCounted>() is null ? Checks(context) : [];
        return checks.Length == 0 ? next(context) : DecideAsync(context, checks);
    }

    private async Task DecideAsync(HttpContext context, QuotaCheck[] checks)
    {
        var decision = await limits.Limiter.DecideAsync(checks);
        // What fails later clears the answer; this holds all the same.
        context.Response.OnStarting(
            static state =>
            {
                var (context, decision) = ((HttpContext, RateLimitDecision))state;
                context.Response.Headers[RateLimitFields.RateLimitPolicy] = RateLimitFields.PolicyValue(decision);
                context.Response.Headers[RateLimitFields.RateLimit] = RateLimitFields.RateLimitValue(decision);
                return Task.CompletedTask;
            },
            (context, decision));
        if (decision.IsAllowed)
        {
            await next(context);
            return;
        }

        var problem = RateLimitFields.Problem(decision);
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = RateLimitFields.RetryAfterSeconds(decision).ToString();
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = Problem.ContentType;
        context.Response.ContentLength = problem.Length;
        await context.Response.BodyWriter.WriteAsync(problem, context.RequestAborted);
    }

    private QuotaCheck[] Checks(HttpContext context)
    {
        var request = context.Request;
        List<QuotaCheck>? checks = null;
        IPAddress? address = null;
        foreach (var rule in limits.Rules)
        {
            if (rule.Takes(request.Method, request.Path.Value, out var route) && !(rule.HasExceptions && rule.Excepts(address ??= limits.Address.Of(context))))
            {
                var caller = rule.By switch
                {
                    CountedBy.Route => route == Caller.Everyone ? RouteOf(context) : route,
                    CountedBy.User when UserOf(context) is { } user => Caller.Of(user),
                    CountedBy.Header when request.Headers[rule.Header!] is [{ Length: > 0 } value, ..] => Caller.Of(value),
                    _ => Caller.Of(address ??= limits.Address.Of(context)),
                };
                (checks ??= []).Add(new QuotaCheck(rule.Quota, caller));
            }
        }

        return checks is null ? [] : [.. checks];
    }

    private static Caller RouteOf(HttpContext context) => Caller.Of((context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "none");

    // By its identifier, else by its name: names may change hands.
    private static string? UserOf(HttpContext context) => context.User.Identity is { IsAuthenticated: true } identity
        ? context.User.FindFirstValue(ClaimTypes.NameIdentifier) ?? context.User.FindFirstValue("sub") ?? identity.Name
        : null;
}
