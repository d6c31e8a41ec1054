using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>The databases of a sharded store, each opened when it is first asked for, unless it is open already. Thread-safe.</summary>
internal sealed class ShardDatabases(ShardedStoreOptions options, IReadOnlyDictionary<int, PostgresStore> open, TimeProvider time, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ShardDatabase, Lazy<PostgresStore>> _stores = new();

    /// <summary>The home database.</summary>
    public PostgresStore Home => Of(new ShardDatabase(0, ""));

    /// <summary>A database of the map.</summary>
    public PostgresStore Of(ShardDatabase database) => open.TryGetValue(database.Id, out var store)
        ? store
        : _stores.GetOrAdd(database, one => new Lazy<PostgresStore>(() => new PostgresStore(
            options.Home with { Name = one.Id == 0 ? options.Home.Name : $"{options.Home.Name}_{one.Id}", ConnectionString = ConnectionStringOf(one) },
            time,
            loggers))).Value;

    /// <summary>How a database is reached: as this process was told, else by the map's address as the user of the home database.</summary>
    public string ConnectionStringOf(ShardDatabase database) =>
        database.Id == 0 ? options.Home.ConnectionString
        : options.Others.TryGetValue(database.Id, out var told) ? told
        : WithAddress(options.Home.ConnectionString, database.Address);

    /// <summary>How a mover reaches a database.</summary>
    public string MoverConnectionStringOf(ShardDatabase database) => options.Movers.GetValueOrDefault(database.Id) ?? ConnectionStringOf(database);

    /// <summary>Where a connection string leads, without user or secrets: what the map stores.</summary>
    public static string AddressOf(string connectionString)
    {
        var full = new NpgsqlConnectionStringBuilder(connectionString);
        return new NpgsqlConnectionStringBuilder { Host = full.Host, Port = full.Port, Database = full.Database ?? full.Username }.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores.Values.Where(one => one.IsValueCreated))
        {
            await store.Value.DisposeAsync();
        }
    }

    internal static string WithAddress(string connectionString, string address)
    {
        var to = new NpgsqlConnectionStringBuilder(address);
        return new NpgsqlConnectionStringBuilder(connectionString) { Host = to.Host, Port = to.Port, Database = to.Database }.ConnectionString;
    }
}
