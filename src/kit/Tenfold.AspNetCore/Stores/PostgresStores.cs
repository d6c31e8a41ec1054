using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.AspNetCore.Health;
using Tenfold.Guide;
using Tenfold.Postgres;
using Tenfold.Postgres.Tokens;

namespace Tenfold.AspNetCore.Stores;

/// <summary>
/// One <see cref="PostgresStore"/> for every PostgreSQL among the connection strings, keyed by the store's name; <c>main</c> is also
/// the unkeyed one. A store of a single server is an <see cref="NpgsqlDataSource"/>, too; one that is sharded a
/// <see cref="Postgres.Shards.ShardedStore"/>.
/// </summary>
internal static class PostgresStores
{
    public static void Add(IServiceCollection services, IConfiguration configuration, SystemGuide? guide, TenfoldOptions options)
    {
        var secrets = new List<string>();
        var strings = Strings(configuration);
        foreach (var (name, text) in strings)
        {
            var home = ShardedStores.HomeOf(name, strings);
            var store = StoreOf(guide, home ?? name);
            var pooler = Pooler.Of(configuration, name);
            var settings = WithDefaults(text, options, store?.Pool, pooler is not null);
            services.AddKeyedSingleton(name, (provider, _) => new PostgresStore(
                OptionsOf(name, settings, store, pooler), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
            services.AddKeyedSingleton(name, (provider, _) => OnlySource(provider.GetRequiredKeyedService<PostgresStore>(name)));
            if (IsMain(name))
            {
                services.AddSingleton(provider => provider.GetRequiredKeyedService<PostgresStore>(name));
                services.AddSingleton(provider => provider.GetRequiredKeyedService<NpgsqlDataSource>(name));
            }

            var beside = 1 + (store?.Partitions.Count > 0 ? 1 : 0); // readiness, and what keeps partitions
            services.AddSingleton(provider => new CheckedStore(provider.GetRequiredKeyedService<PostgresStore>(name), beside));
            if (home is not null && IsSharded(home))
            {
                continue; // instances know a different number of these; and without one of them the others' keys are served
            }

            secrets.Add(settings.Password is { Length: > 0 } password ? password : $"{settings.Username}@{settings.Database}");
            services.AddSingleton(_ => StoreProbe.Of(name, settings));
            if (home is null && IsSharded(name))
            {
                ShardedStores.Add(
                    services,
                    OptionsOf(name, settings, store, pooler),
                    strings.Keys.Where(key => ShardedStores.HomeOf(key, strings) == name).ToDictionary(ShardedStores.NumberOf, key => KeyValuePair.Create(key, WithDefaults(strings[key], options, store?.Pool, pooler is not null).ConnectionString)),
                    store,
                    options);
            }
        }

        if (secrets.Count > 0)
        {
            services.AddHostedService(provider => new ConnectionCheck(
                provider.GetServices<CheckedStore>(), guide, provider.GetRequiredService<Readiness>().FirstReady, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ConnectionCheck>>()));
        }

        bool IsSharded(string name) => StoreOf(guide, name)?.Shards > 1 || options.Sharded.ContainsKey(name);

        // Every instance of a system comes to the same key: by what it is told, or from what it logs in with.
        services.AddSingleton(_ => TokenSigner.FromSecret(configuration["TENFOLD_TOKEN_KEY"] is { Length: > 0 } key ? key : string.Join('\n', secrets.Order(StringComparer.Ordinal).DefaultIfEmpty("none"))));
    }

    /// <summary>The string with the guide's pool and the kit's defaults where it says nothing itself.</summary>
    internal static NpgsqlConnectionStringBuilder WithDefaults(string connectionString, TenfoldOptions options, Pool? pool = null, bool isPooled = false)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        var full = new NpgsqlConnectionStringBuilder(connectionString);
        if (!Says(given, "Timeout"))
        {
            full.Timeout = Seconds(pool?.Wait ?? options.ConnectionWait);
        }

        if (pool is not null)
        {
            (full.MinPoolSize, full.MaxPoolSize) = (Says(given, "Minimum Pool Size") ? given.MinPoolSize : pool.Min, Says(given, "Maximum Pool Size") ? given.MaxPoolSize : pool.Max);
            full.ConnectionIdleLifetime = Says(given, "Connection Idle Lifetime") ? given.ConnectionIdleLifetime : Seconds(pool.Idle);
            full.ConnectionPruningInterval = Math.Min(full.ConnectionPruningInterval, full.ConnectionIdleLifetime);
            full.ConnectionLifetime = Says(given, "Connection Lifetime") ? given.ConnectionLifetime : (int)pool.Lifetime.TotalSeconds;
        }

        if (!Says(given, "Command Timeout"))
        {
            // The server ends a statement first; this is for a server that no longer answers at all.
            full.CommandTimeout = Seconds(options.StatementTimeout) + 1;
        }

        if (isPooled)
        {
            full.MaxAutoPrepare = 0;
        }
        else if (!Says(given, "Max Auto Prepare"))
        {
            full.MaxAutoPrepare = 128;
            full.AutoPrepareMinUsages = 2;
        }

        if (!Says(given, "No Reset On Close"))
        {
            // A reset costs the server more than a small query. Session state is set in a transaction (SET LOCAL), or not at all.
            full.NoResetOnClose = true;
        }

        if (!isPooled && !(given.Options ?? "").Contains("statement_timeout", StringComparison.Ordinal))
        {
            full.Options = $"{given.Options} -c statement_timeout={(long)options.StatementTimeout.TotalMilliseconds}".Trim();
        }

        return full;
    }

    internal static bool IsMain(string name) => string.Equals(name, "main", StringComparison.OrdinalIgnoreCase);

    private static Dictionary<string, string> Strings(IConfiguration configuration) => configuration.GetSection("ConnectionStrings").GetChildren()
        .Where(entry => entry.Value is { Length: > 0 } text && !text.Contains("://", StringComparison.Ordinal)) // Redis strings are URLs (redis://…)
        .ToDictionary(entry => entry.Key, entry => entry.Value!, StringComparer.OrdinalIgnoreCase);

    private static Store? StoreOf(SystemGuide? guide, string name) =>
        guide?.Stores.Where(store => store.Value.Engine == StoreEngine.Postgres && string.Equals(store.Key, name, StringComparison.OrdinalIgnoreCase)).Select(store => store.Value).FirstOrDefault();

    private static PostgresOptions OptionsOf(string name, NpgsqlConnectionStringBuilder settings, Store? store, Pooler? pooler)
    {
        var options = new PostgresOptions { Name = name, ConnectionString = settings.ConnectionString, Pooler = pooler is null ? null : new TransactionPooler(pooler.ReaderDatabase) };
        return options with { ReplicaLag = store?.ReplicaLag ?? options.ReplicaLag, SlowQuery = store?.SlowQuery, SlowQueryAnalyze = store?.SlowQueryAnalyze ?? false };
    }

    private static NpgsqlDataSource OnlySource(PostgresStore store) => store.Status().Count == 1
        ? store.Writer()
        : throw new InvalidOperationException($"Store '{store.Name}' has replicas, so that no single data source is right for it: take a PostgresStore, and its Writer() or Reader() for each piece of work.");

    private static bool Says(NpgsqlConnectionStringBuilder given, string keyword) => given.ShouldSerialize(keyword);

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
