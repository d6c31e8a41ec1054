using System.Globalization;
using Npgsql;
using Npgsql.Replication;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Connections of a move: of their own, to primaries, without time limits, with the settings that make texts comparable.</summary>
internal static class MoveConnections
{
    private const string Settings = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c synchronous_commit=on -c datestyle=ISO,YMD -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex -c extra_float_digits=1 -c client_min_messages=warning";

    /// <exception cref="ShardException">The database cannot be reached.</exception>
    public static async Task<NpgsqlConnection> OpenAsync(ShardedStore store, int database, CancellationToken cancel)
    {
        var builder = Builder(ConnectionStringOf(store, database));
        if (builder.Host?.Contains(',', StringComparison.Ordinal) == true)
        {
            builder.TargetSessionAttributes = "primary";
        }

        var connection = new NpgsqlConnection(builder.ConnectionString);
        try
        {
            await connection.OpenAsync(cancel);
            return connection;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            await connection.DisposeAsync();
            throw new ShardException(ShardFailure.Move, $"database {database} ({ShardDatabases.AddressOf(builder.ConnectionString)}) cannot be reached: {e.Message}", e);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>A replication connection to the server that an open connection leads to.</summary>
    public static async Task<LogicalReplicationConnection> OpenReplicationAsync(ShardedStore store, int database, NpgsqlConnection sameServer, CancellationToken cancel)
    {
        var builder = Builder(ConnectionStringOf(store, database));
        (builder.Host, builder.Port) = (sameServer.Host, sameServer.Port);
        builder.Remove("Pooling");
        var connection = new LogicalReplicationConnection(builder.ConnectionString);
        try
        {
            await connection.Open(cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static string ConnectionStringOf(ShardedStore store, int database) =>
        store.Databases.MoverConnectionStringOf(store.Map.Databases.FirstOrDefault(one => one.Id == database)
            ?? throw new ShardException(ShardFailure.Move, $"there is no database {database} in the shard map; it has {string.Join(", ", store.Map.Databases.Select(one => one.Id.ToString(CultureInfo.InvariantCulture)))}"));

    private static NpgsqlConnectionStringBuilder Builder(string connectionString) => new(connectionString)
    {
        Pooling = false,
        CommandTimeout = 0,
        KeepAlive = 10,
        MaxAutoPrepare = 0,
        NoResetOnClose = false,
        ApplicationName = "tenfold move",
        Options = Settings,
    };
}
