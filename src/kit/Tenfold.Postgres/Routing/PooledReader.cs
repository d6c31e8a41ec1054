using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>What is different behind a pooler in transaction mode.</summary>
internal static class PooledReader
{
    private const string Ask = "SELECT current_setting('default_transaction_read_only')";

    /// <summary>The settings that work there: nothing that a session would have to keep.</summary>
    /// <exception cref="ArgumentException">The connection string asks for something that it would have to keep.</exception>
    public static NpgsqlConnectionStringBuilder Settings(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 0, NoResetOnClose = true };
        return string.IsNullOrEmpty(settings.Options) && !settings.Multiplexing
            ? settings
            : throw new ArgumentException("A pooler in transaction mode passes on neither Options nor Multiplexing: remove them from the connection string, and set what Options says at the role (ALTER ROLE … SET) or in the pooler's connect_query.", nameof(connectionString));
    }

    /// <summary>Refuses connections through which a reader could write.</summary>
    public static void Guard(NpgsqlDataSourceBuilder source, string store) => source.UsePhysicalConnectionInitializer(
        connection =>
        {
            using var ask = new NpgsqlCommand(Ask, connection);
            Check(ask.ExecuteScalar(), connection, store);
        },
        async connection =>
        {
            await using var ask = new NpgsqlCommand(Ask, connection);
            Check(await ask.ExecuteScalarAsync(), connection, store);
        });

    private static void Check(object? isReadOnly, NpgsqlConnection connection, string store)
    {
        if (isReadOnly is not "on")
        {
            throw new PostgresStoreException(
                PostgresFailure.UnguardedReader,
                $"Store '{store}': the pooler's database '{connection.Database}' at {connection.Host}:{connection.Port} is for readers, but its sessions can write. Give it connect_query = 'SET default_transaction_read_only = on' in the pooler's configuration.");
        }
    }
}
