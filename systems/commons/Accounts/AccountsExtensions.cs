using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.AspNetCore;
using Tenfold.Caching;

namespace Commons.Accounts;

/// <summary>Accounts, sessions and who may call what.</summary>
public static class AccountsExtensions
{
    /// <summary>Registers them; the app's sharded store <c>main</c> holds their tables (<c>accounts.sql</c>).</summary>
    public static void AddAccounts(this IServiceCollection services, AccountsOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AccountTable>();
        services.AddSingleton<Sessions>();
    }

    /// <summary>The cache policies of accounts, for when no guide says them.</summary>
    public static void CacheAccounts(this TenfoldOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.CachePolicies[Sessions.CachePolicy] = new CachePolicy { Ttl = TimeSpan.FromHours(24) };
    }

    /// <summary>Enforces who may call what; after <c>UseTenfold()</c>.</summary>
    public static void UseAccounts(this WebApplication app) => app.UseMiddleware<Authentication>();
}
