using Commons.Audit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Tenfold.AspNetCore;
using Tenfold.Caching;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>Accounts, sessions and who may call what.</summary>
public static class AccountsExtensions
{
    /// <summary>Registers them; the app's sharded store <c>main</c> holds their tables (<c>accounts.sql</c>, <c>audit.sql</c>).</summary>
    public static void AddAccounts(this IServiceCollection services, AccountsOptions options)
    {
        services.TryAddSingleton(options); // an app's own, given before, wins
        services.AddSingleton<AccountTable>();
        services.AddSingleton(provider => new Sessions(
            provider.GetRequiredService<ShardedStore>(), provider.GetRequiredService<TenfoldCache>(), provider.GetRequiredService<AccountsOptions>(), provider.GetRequiredService<SessionUse>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Refreshing>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<LoginThrottle>();
        services.AddSingleton<PasswordGate>();
        services.AddSingleton<LoginReply>();
        services.AddSingleton<Register>();
        services.AddSingleton<LogIn>();
        services.AddSingleton<RefreshEndpoint>();
        services.AddSingleton<SessionEndpoints>();
        services.AddSingleton<Profile>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AuditEndpoint>();
        services.AddSingleton(provider => new AccountAdmin(
            provider.GetRequiredService<ShardedStore>(),
            provider.GetRequiredService<AccountTable>(),
            provider.GetRequiredService<Sessions>(),
            provider.GetRequiredService<Profile>(),
            provider.GetRequiredService<Passwords>(),
            provider.GetRequiredService<AuditLog>()));
        services.AddSingleton<SessionUse>();
        services.AddHostedService(provider => provider.GetRequiredService<SessionUse>());
        services.AddHostedService<SessionCleaner>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(AccountsJson.Default));
    }

    /// <summary>The cache policies of accounts, for when no guide says them.</summary>
    public static void CacheAccounts(this TenfoldOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.CachePolicies[Sessions.CachePolicy] = new CachePolicy { Ttl = TimeSpan.FromHours(24) };
        options.CachePolicies[Profile.CachePolicy] = new CachePolicy { Ttl = TimeSpan.FromMinutes(30) };
    }

    /// <summary>Enforces who may call what; after <c>UseTenfold()</c>.</summary>
    public static void UseAccounts(this WebApplication app) => app.UseMiddleware<Authentication>();
}
