using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.AspNetCore.Caching;
using Tenfold.Caching;
using Tenfold.Guide;

namespace Tenfold.AspNetCore;

/// <summary>Endpoints whose answers are cached by a policy of the guide.</summary>
public static class CachedEndpointExtensions
{
    /// <summary>
    /// Caches the answers of a GET endpoint: 200 as the policy says, 404 and 410 as its <c>negative</c> says, nothing else. A hit is
    /// sent as the bytes that were kept, with an <c>ETag</c> (the handler's own, or one of the body), 304 where the client has
    /// it, the guide's headers for caches outside, and <c>Cache-Status</c>. The handler sees path, query, route values and the
    /// headers that the policy varies by, and no user: its answer is for everybody. Cookies that it sets are left out.
    /// </summary>
    /// <param name="endpoint">What <c>MapGet</c> returned.</param>
    /// <param name="policy">Name of a policy under <c>cache:</c> in the guide. Outside a system, without such a policy, nothing is cached.</param>
    /// <param name="tags">Tags of the answer to a request, beside those of the policy: <c>context => [$"product:{id}"]</c>.</param>
    /// <exception cref="InvalidOperationException">When the app starts: the guide has no such policy.</exception>
    public static TBuilder Cached<TBuilder>(this TBuilder endpoint, string policy, Func<HttpContext, IEnumerable<string>>? tags = null)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentException.ThrowIfNullOrEmpty(policy);
        endpoint.Finally(made =>
        {
            var handler = made.RequestDelegate ?? throw new InvalidOperationException($"{made.DisplayName} has no handler to cache.");
            if (Wrap(handler, policy, tags, made.ApplicationServices) is { } cached)
            {
                made.RequestDelegate = cached.InvokeAsync;
            }
        });
        return endpoint;
    }

    private static CachedEndpoint? Wrap(RequestDelegate handler, string policy, Func<HttpContext, IEnumerable<string>>? tags, IServiceProvider services)
    {
        var policies = services.GetService<CachedResponsePolicies>() ?? throw new InvalidOperationException("Cached() needs builder.AddTenfold().");
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Tenfold.Caching");
        if (services.GetKeyedService<PolicyCache>(policy) is not { } cache)
        {
            if (policies.HasGuide)
            {
                throw new InvalidOperationException($"The guide has no cache policy '{policy}'; add it under cache:, such as {policy}: {{ ttl: 1h }}.");
            }

            logger.LogInformation("There is no cache policy '{Policy}': its endpoints are not cached", policy);
            return null;
        }

        return new CachedEndpoint(
            handler,
            cache,
            policies.Http.GetValueOrDefault(policy) ?? new CacheHttp(),
            tags,
            services.GetRequiredService<IServiceScopeFactory>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetService<WarmupSecret>(),
            logger);
    }
}
