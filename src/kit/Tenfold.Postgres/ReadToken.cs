using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Postgres;

/// <summary>
/// A place in a PostgreSQL's write-ahead log. Who has written up to there must not be shown anything older: a replica serves
/// the read only if it is on this timeline and has replayed as far.
/// </summary>
/// <param name="SystemId">Identifies the cluster (<c>pg_control_system()</c>): a primary and its replicas share it.</param>
/// <param name="Timeline">Which history of the cluster; a promotion begins a new one.</param>
/// <param name="Lsn">Position in the log, in bytes since the cluster was made.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ReadToken(ulong SystemId, uint Timeline, NpgsqlLogSequenceNumber Lsn)
{
    /// <summary>How far the log has come: ask after the commit, on the connection that wrote.</summary>
    /// <param name="connection">Open, to the primary, outside of a transaction.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="PostgresException">The server is a replica (SQL state 55000).</exception>
    /// <exception cref="NpgsqlException">The connection was lost.</exception>
    public static async ValueTask<ReadToken> TakeAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = new NpgsqlCommand(
            """
            SELECT (SELECT system_identifier FROM pg_control_system()),
                ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
                CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END
            """,
            connection);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        return new ReadToken((ulong)rows.GetInt64(0), (uint)rows.GetInt32(1), rows.GetFieldValue<NpgsqlLogSequenceNumber>(2));
    }
}
