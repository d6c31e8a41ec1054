using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Cli.Edge;
using Tenfold.Guide;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;

namespace Tenfold.Cli.Sharding;

/// <summary>A PostgreSQL store of a system that is up.</summary>
internal static class RunningStore
{
    /// <param name="shell">Where output goes.</param>
    /// <param name="system">The system.</param>
    /// <param name="name">The store; null for the only one.</param>
    /// <param name="grow">Told of each step of starting databases that the guide has and that do not run yet; null to leave those.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <exception cref="UsageException">The system has no such store, or several and none was named.</exception>
    /// <exception cref="RuntimeException">The system is down.</exception>
    public static async Task<ShardedStore> OpenAsync(Shell shell, string system, string? name, Action<string>? grow, CancellationToken cancel)
    {
        var located = Systems.Read(shell, system);
        var store = Choose(located.Guide, name);
        var databases = await DatabasesAsync(shell, located.Guide, system, store, cancel);
        if (grow is not null && located.Guide.Stores[store].Shards is var shards && shards > databases.Count)
        {
            grow($"starting {shards - databases.Count} more {(shards - databases.Count == 1 ? "database" : "databases")} of {store}");
            using var client = new ControlClient(Systems.State(shell, system), shell.Time);
            await foreach (var line in client.GrowAsync(store, shards, cancel))
            {
                grow(line);
            }

            databases = await DatabasesAsync(shell, located.Guide, system, store, cancel);
        }

        if (databases.FirstOrDefault(database => database.Number == 0) is not { } home)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"the running {located.Guide.System} has no store {store}; its guide was changed since it was started: 'tenfold down {system}' and up again");
        }

        return await ShardedStore.StartAsync(
            new ShardedStoreOptions
            {
                Home = new PostgresOptions { Name = store, ConnectionString = home.ConnectionString },
                Others = databases.Where(database => database.Number > 0).ToDictionary(database => database.Number, database => database.ConnectionString),
                Movers = databases.ToDictionary(database => database.Number, database => database.AdminConnectionString),
                Scheme = BucketScheme.Hash(located.Guide.Stores[store].Buckets),
                MakesIds = false,
            },
            shell.Time,
            new Random(),
            NullLoggerFactory.Instance,
            cancel);
    }

    /// <summary>The databases of a store of a system that is up.</summary>
    /// <exception cref="RuntimeException">The system is down.</exception>
    public static async Task<IReadOnlyList<Runtime.Stores.DatabaseAccess>> DatabasesAsync(Shell shell, SystemGuide guide, string system, string store, CancellationToken cancel)
    {
        using var client = new ControlClient(Systems.State(shell, system), shell.Time);
        return [.. (await client.DatabasesAsync(cancel) ?? throw new RuntimeException(RuntimeFailure.Failed, $"{guide.System} is down; start it with: tenfold up {system}")).Where(database => database.Store == store)];
    }

    /// <summary>The store that is meant.</summary>
    /// <exception cref="UsageException">The system has no such store, or several and none was named.</exception>
    public static string Choose(SystemGuide guide, string? name)
    {
        string[] stores = [.. guide.Stores.Where(store => store.Value.Engine == StoreEngine.Postgres).Select(store => store.Key)];
        return (name, stores) switch
        {
            (_, []) => throw new UsageException($"{guide.System} has no PostgreSQL store"),
            (null, [var only]) => only,
            (null, _) => throw new UsageException($"{guide.System} has several PostgreSQL stores; name one with --store: {string.Join(", ", stores)}"),
            _ => stores.Contains(name, StringComparer.Ordinal) ? name! : throw new UsageException($"{guide.System} has no PostgreSQL store '{name}'; it has {string.Join(", ", stores)}"),
        };
    }
}
