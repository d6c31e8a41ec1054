using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Tenfold.Guide;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Sessions;

/// <summary>
/// Sessions and DataProtection keys on Redis, so that any instance reads any cookie; in the memory of the process where there
/// is no Redis.
/// </summary>
internal static class SessionSetup
{
    /// <summary>Registers them.</summary>
    /// <param name="services">Of the app.</param>
    /// <param name="store">The Redis; null for none.</param>
    /// <param name="guide">Whose cookies: all services of a system read each other's. Null outside a system.</param>
    /// <param name="app">Whose cookies outside a system.</param>
    /// <param name="options">Lifetime.</param>
    public static void Add(IServiceCollection services, string? store, SystemGuide? guide, string app, TenfoldOptions options)
    {
        var system = guide?.System ?? app;
        var protection = services.AddDataProtection().SetApplicationName(system);
        if (store is null)
        {
            services.AddDistributedMemoryCache();
        }
        else
        {
            services.TryAddSingleton<IDistributedCache>(provider =>
                new RedisDistributedCache(provider.GetRequiredKeyedService<RedisClient>(store), $"session:{system}:", provider.GetRequiredService<TimeProvider>()));
            protection.Services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(keys =>
                keys.XmlRepository = new RedisKeyRepository(provider.GetRequiredKeyedService<RedisClient>(store), $"dataprotection:{system}")));
        }

        services.AddSession(session =>
        {
            session.IdleTimeout = options.SessionLifetime;
            session.Cookie.Name = ".session";
            session.Cookie.MaxAge = options.SessionLifetime;
            session.Cookie.HttpOnly = true;
            session.Cookie.IsEssential = true;
            session.Cookie.SameSite = SameSiteMode.Lax;
            session.Cookie.SecurePolicy = guide?.Gateway.Tls is null ? CookieSecurePolicy.SameAsRequest : CookieSecurePolicy.Always;
        });
    }

    /// <summary>Sessions for endpoints that ask for them; the others pay nothing.</summary>
    public static void Use(WebApplication app) =>
        app.UseWhen(static context => context.GetEndpoint()?.Metadata.GetMetadata<SessionMetadata>() is not null, static branch => branch.UseSession());
}

/// <summary>Marks an endpoint that uses <see cref="HttpContext.Session"/>.</summary>
internal sealed class SessionMetadata;
