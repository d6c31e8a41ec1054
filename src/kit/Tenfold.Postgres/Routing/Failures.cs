using System.Net.Sockets;
using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>What an exception of the driver says about the server and about what was sent. Pure.</summary>
internal static class Failures
{
    /// <summary>The pool had no connection left within the wait; Npgsql has no code for it.</summary>
    public static bool IsExhausted(Exception e) => e is NpgsqlException && e.Message.Contains("pool has been exhausted", StringComparison.OrdinalIgnoreCase);

    /// <summary>The server or the way to it has failed: another server, or this one later, may do.</summary>
    public static bool IsLost(Exception e) => e switch
    {
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            || postgres.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException when IsExhausted(e) => false,
        NpgsqlException { InnerException: SocketException or IOException or TimeoutException } => true,
        SocketException or IOException => true,
        _ => false,
    };

    /// <summary>The replica cancelled the read because it stood in the way of replay, or the server was lost: another server may do.</summary>
    public static bool MayReadElsewhere(Exception e) =>
        IsLost(e) || e is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

    /// <summary>The transaction was surely not committed, and would meet other circumstances if it was run again.</summary>
    public static bool IsRolledBack(Exception e) =>
        e is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

    /// <summary>A server that takes no writes: a replica, or a reader's session.</summary>
    public static bool IsReadOnly(Exception e) => e is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction };

    /// <summary>The server refused a statement and the session goes on, so that the refusal is certain.</summary>
    public static bool IsRefusal(Exception e) => e is PostgresException { InvariantSeverity: "ERROR" };
}
