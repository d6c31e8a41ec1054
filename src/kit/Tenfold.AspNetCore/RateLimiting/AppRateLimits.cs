using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.Guide;
using Tenfold.RateLimiting;
using Tenfold.RateLimiting.Rules;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.RateLimiting;

/// <summary>The guide's rate limits that this app enforces.</summary>
/// <param name="Rules">In the guide's order.</param>
/// <param name="Address">Whose address counts.</param>
/// <param name="Limiter">Who decides.</param>
internal sealed record AppRateLimits(IReadOnlyList<LimitRule> Rules, RequestAddress Address, DistributedRateLimiter Limiter) : IAsyncDisposable
{
    /// <summary>Registers them when the guide has some; without a connection string of their store this process counts alone.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration, SystemGuide? guide)
    {
        if (guide is null || LimitRules.Of(guide, RateLimitPlace.App) is not { Rules.Count: > 0 } rules)
        {
            return;
        }

        var url = configuration.GetConnectionString(rules.Store ?? "");
        services.AddSingleton(provider => new AppRateLimits(
            rules.Rules,
            provider.GetRequiredService<RequestAddress>(),
            new DistributedRateLimiter(
                rules.Quotas,
                new RateLimiterOptions { Redis = url is { Length: > 0 } ? RedisOptions.Parse(url) : null, KeyPrefix = rules.KeyPrefix },
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>())));
    }

    public ValueTask DisposeAsync() => Limiter.DisposeAsync();
}
