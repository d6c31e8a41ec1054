using System.Net.Sockets;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Errors;

/// <summary>Tells a store that is away or overloaded (503, worth a retry) from a mistake of the app (500).</summary>
internal static class StoreFailure
{
    /// <returns>What to tell the client, or null when the store is not to blame.</returns>
    public static string? Describe(Exception exception) => exception switch
    {
        RedisException => "A store on Redis cannot be reached.",
        PostgresStoreException { Failure: PostgresFailure.Busy } => "All database connections are busy.",
        PostgresStoreException { Failure: PostgresFailure.NoPrimary } => "The database cannot be reached.",
        PostgresStoreException { Failure: PostgresFailure.Unknown } => "The connection to the database was lost while it was changing something: it may have been done or not. Look before you repeat it.",
        ShardException { Failure: ShardFailure.Moved } => "The data is being moved to another database.",
        ShardException { Failure: ShardFailure.Map } => "The database cannot be reached.",
        ShardException { Failure: ShardFailure.Id } => "No ids can be made at the moment.",
        ShardException { Failure: ShardFailure.Reservation } => "The change met another one at the same time.",
        PostgresException postgres => Describe(postgres.SqlState),
        // What Npgsql says when the pool has no connection left within the wait; there is no code for it.
        NpgsqlException pool when pool.Message.Contains("pool has been exhausted", StringComparison.OrdinalIgnoreCase) => "All database connections are busy.",
        NpgsqlException { InnerException: TimeoutException } => "The database did not answer in time.",
        NpgsqlException { InnerException: SocketException or IOException } => "The database cannot be reached.",
        NpgsqlException { IsTransient: true } => "The database cannot be reached.",
        { InnerException: NpgsqlException inner } => Describe(inner),
        _ => null,
    };

    private static string? Describe(string state) => state switch
    {
        PostgresErrorCodes.QueryCanceled => "The database took too long.",
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow => "The database is restarting.",
        PostgresErrorCodes.TooManyConnections => "The database has no connection left.",
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => "The change met another one at the same time.",
        PostgresErrorCodes.ReadOnlySqlTransaction => "The database takes no changes at the moment.",
        _ when state.StartsWith("08", StringComparison.Ordinal) => "The database cannot be reached.",
        _ when state.StartsWith("53", StringComparison.Ordinal) => "The database lacks resources.",
        _ => null,
    };
}
