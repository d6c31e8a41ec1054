using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Who is in the way, for messages.</summary>
internal static class Holders
{
    private const string Columns = "a.pid, coalesce(nullif(a.application_name, ''), 'no name'), a.usename, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::float8";

    /// <summary>Transactions of the server that have written.</summary>
    public static Task<string> OfServerAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        SayAsync(connection, $"SELECT {Columns} FROM pg_stat_activity a WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid() ORDER BY a.xact_start LIMIT 3", cancel);

    /// <summary>Transactions that hold one of the buckets.</summary>
    public static Task<string> OfBucketsAsync(NpgsqlConnection connection, int[] buckets, CancellationToken cancel) => SayAsync(
        connection,
        $"""
        SELECT DISTINCT {Columns} FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {ShardSchema.BucketLock}::oid AND l.objsubid = 2 AND l.objid::bigint = ANY($1)
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.pid <> pg_backend_pid()
        ORDER BY 5 DESC LIMIT 3
        """,
        cancel,
        buckets.Select(bucket => (long)bucket).ToArray());

    private static async Task<string> SayAsync(NpgsqlConnection connection, string sql, CancellationToken cancel, params object?[] parameters)
    {
        var found = await Sql.ListAsync(
            connection,
            sql,
            rows => string.Create(
                CultureInfo.InvariantCulture,
                $"process {rows.GetInt32(0)} ({rows.GetString(1)}, user {(rows.IsDBNull(2) ? "?" : rows.GetString(2))}, {(rows.IsDBNull(3) ? "?" : rows.GetString(3))}, for {(rows.IsDBNull(4) ? 0 : rows.GetDouble(4)):0.0} s)"),
            cancel,
            parameters);
        return found.Count == 0 ? "none that could be seen now" : string.Join(", ", found);
    }
}
