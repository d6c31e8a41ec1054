using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.Caching;
using Tenfold.Guide;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Caching;

/// <summary>
/// Makes the app's cache of the guide's <c>cache:</c> section and the connection string of the guide's cache store (outside a
/// system: <c>ConnectionStrings__cache</c>). It is a <see cref="TenfoldCache"/>, a <see cref="HybridCache"/>, and a keyed
/// <see cref="HybridCache"/> and <see cref="PolicyCache"/> for each policy.
/// </summary>
internal static class CacheSetup
{
    public static void Add(WebApplicationBuilder builder, InstanceGuide? instance, TenfoldOptions options)
    {
        var guide = instance?.Guide;
        var policies = options.CachePolicies.ToDictionary(policy => policy.Key, policy => policy.Value, StringComparer.Ordinal);
        var http = new Dictionary<string, CacheHttp>(StringComparer.Ordinal);
        foreach (var (name, policy) in guide?.Cache ?? new Dictionary<string, Guide.CachePolicy>())
        {
            (policies[name], http[name]) = (Policy(policy), policy.Http);
        }

        var warmups = Warmups(builder.Configuration, guide);
        foreach (var warmup in warmups)
        {
            policies[warmup.Policy] = warmup.Marker;
        }

        var redis = Redis(builder.Configuration, guide?.CacheStore ?? SystemGuide.CacheStoreName);
        var services = builder.Services;
        services.AddSingleton(new CachedResponsePolicies(http, guide is not null));
        services.AddSingleton(provider => new TenfoldCache(
            options.Cache with { System = guide?.System ?? options.Cache.System },
            policies,
            redis,
            provider,
            provider.GetRequiredService<TimeProvider>(),
            logs: provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<HybridCache>(provider => provider.GetRequiredService<TenfoldCache>().Default);
        foreach (var name in policies.Keys)
        {
            services.AddKeyedSingleton(name, (provider, _) => provider.GetRequiredService<TenfoldCache>().For(name));
            services.AddKeyedSingleton<HybridCache>(name, (provider, _) => provider.GetRequiredService<TenfoldCache>().For(name));
        }

        services.AddHostedService<CacheStart>();
        if (warmups.Length > 0)
        {
            services.AddSingleton<WarmupSecret>();
            services.AddSingleton(warmups);
            services.AddHostedService<Warmer>();
        }
    }

    /// <summary>The guide's policy as the cache takes it.</summary>
    internal static Tenfold.Caching.CachePolicy Policy(Guide.CachePolicy policy) => new()
    {
        Ttl = policy.Ttl,
        L1Ttl = policy.L1Ttl == policy.Ttl ? null : policy.L1Ttl,
        Jitter = policy.Jitter.Fraction,
        Stale = policy.Stale,
        Throttle = policy.Throttle,
        Eager = policy.Eager?.Fraction,
        Tags = policy.Tags,
        Negative = policy.Negative,
        Version = policy.Version,
        SoftTimeout = policy.SoftTimeout,
        HardTimeout = policy.HardTimeout,
    };

    private static WarmupPlan[] Warmups(IConfiguration configuration, SystemGuide? guide) =>
    [
        .. from warmup in guide?.Warm ?? new Dictionary<string, Warmup>()
           where warmup.Value.Service == configuration["TENFOLD_SERVICE"]
           select new WarmupPlan(warmup.Key, warmup.Value),
    ];

    private static RedisOptions? Redis(IConfiguration configuration, string store)
    {
        var text = configuration.GetConnectionString(store);
        return text is { Length: > 0 } && text.Contains("://", StringComparison.Ordinal) ? RedisOptions.Parse(text) : null;
    }
}
