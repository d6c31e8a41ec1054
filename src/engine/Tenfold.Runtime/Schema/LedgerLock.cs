using Npgsql;

namespace Tenfold.Runtime.Schema;

/// <summary>A connection that holds one of Tenfold's advisory locks: of two hosts, one waits for the other.</summary>
internal static class LedgerLock
{
    private const int Class = 0x5446; // "TF": keeps clear of the application's own advisory locks

    /// <summary>Migrations.</summary>
    public const int Schema = 1;

    /// <summary>Seeds.</summary>
    public const int Seeds = 2;

    /// <summary>Opens a connection and takes the lock; both end with the connection.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(string connectionString, int kind, Action<string> report, CancellationToken cancel)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            CommandTimeout = 0, // building an index takes what it takes
            KeepAlive = 30,
            IncludeErrorDetail = true,
            TargetSessionAttributes = connectionString.Contains(',', StringComparison.Ordinal) ? "primary" : null,
            ApplicationName = "tenfold",
        }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancel);
            if (!await TryAsync(connection, kind, cancel))
            {
                report($"waiting for another host that {(kind == Schema ? "applies the schema" : "runs a seed")} in database {connection.Database}");
                await using var command = new NpgsqlCommand("SELECT pg_advisory_lock($1, $2)", connection) { Parameters = { new() { Value = Class }, new() { Value = kind } } };
                await command.ExecuteNonQueryAsync(cancel);
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> TryAsync(NpgsqlConnection connection, int kind, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1, $2)", connection) { Parameters = { new() { Value = Class }, new() { Value = kind } } };
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }
}
