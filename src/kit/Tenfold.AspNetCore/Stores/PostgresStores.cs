using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.AspNetCore.Stores;

/// <summary>
/// One <see cref="NpgsqlDataSource"/> for every PostgreSQL among the connection strings, keyed by the store's name;
/// <c>main</c> is also the unkeyed one.
/// </summary>
internal static class PostgresStores
{
    public static void Add(IServiceCollection services, IConfiguration configuration, TenfoldOptions options)
    {
        foreach (var entry in configuration.GetSection("ConnectionStrings").GetChildren())
        {
            // Redis strings are URLs (redis://…).
            if (entry.Value is not { Length: > 0 } text || text.Contains("://", StringComparison.Ordinal))
            {
                continue;
            }

            var name = entry.Key;
            services.AddKeyedSingleton(name, (provider, _) => Build(name, text, options, provider));
            if (string.Equals(name, "main", StringComparison.OrdinalIgnoreCase))
            {
                services.AddSingleton(provider => provider.GetRequiredKeyedService<NpgsqlDataSource>(name));
            }

            services.AddSingleton(_ => Probe(name, text, options));
        }
    }

    /// <summary>The string with the kit's defaults where it says nothing itself.</summary>
    internal static NpgsqlConnectionStringBuilder WithDefaults(string connectionString, TenfoldOptions options)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        var full = new NpgsqlConnectionStringBuilder(connectionString);
        if (!Says(given, "Timeout"))
        {
            full.Timeout = Seconds(options.ConnectionWait);
        }

        if (!Says(given, "Command Timeout"))
        {
            // The server ends a statement first; this is for a server that no longer answers at all.
            full.CommandTimeout = Seconds(options.StatementTimeout) + 1;
        }

        if (!Says(given, "Max Auto Prepare"))
        {
            full.MaxAutoPrepare = 128;
            full.AutoPrepareMinUsages = 2;
        }

        if (!Says(given, "No Reset On Close"))
        {
            // A reset costs the server more than a small query. Session state is set in a transaction (SET LOCAL), or not at all.
            full.NoResetOnClose = true;
        }

        if (!(given.Options ?? "").Contains("statement_timeout", StringComparison.Ordinal))
        {
            full.Options = $"{given.Options} -c statement_timeout={(long)options.StatementTimeout.TotalMilliseconds}".Trim();
        }

        return full;
    }

    private static NpgsqlDataSource Build(string name, string connectionString, TenfoldOptions options, IServiceProvider provider)
    {
        var builder = new NpgsqlDataSourceBuilder(WithDefaults(connectionString, options).ConnectionString) { Name = name };
        builder.UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>());
        return builder.Build();
    }

    private static StoreProbe Probe(string name, string connectionString, TenfoldOptions options)
    {
        var settings = WithDefaults(connectionString, options);
        (settings.MinPoolSize, settings.MaxPoolSize, settings.ApplicationName) = (0, 1, "health");
        return new StoreProbe(name, new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name + "-health" }.Build());
    }

    private static bool Says(NpgsqlConnectionStringBuilder given, string keyword) => given.ShouldSerialize(keyword);

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
