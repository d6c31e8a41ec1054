using Npgsql;
using Tenfold.Postgres;

namespace Tenfold.Jobs.Running;

/// <summary>
/// A worker's own connection. Its statements are planned once, without table scans: statistics of tables that fill and empty all the time are
/// worth nothing. Claims and batched completions are not waited for on disk: what a crash of the server takes back of them is done again, as after the
/// death of a worker; what a handler commits in its own transaction is on disk with everything before it. Rows that somebody's transaction holds are
/// waited for a moment only: a worker has other things to do.
/// </summary>
internal sealed class WorkerConnection : IAsyncDisposable
{
    private const string Settings =
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET synchronous_commit = off; SET lock_timeout = 250";

    private readonly bool _isSet;

    private WorkerConnection(NpgsqlConnection inner, bool isSet) => (Inner, _isSet) = (inner, isSet);

    public NpgsqlConnection Inner { get; }

    public static async Task<WorkerConnection> OpenAsync(PostgresStore store, CancellationToken cancel)
    {
        var connection = await store.OpenWriterAsync(null, cancel);
        try
        {
            if (!store.IsPooled)
            {
                await ExecuteAsync(connection, Settings, cancel);
            }

            return new WorkerConnection(connection, !store.IsPooled);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Back to its pool, as it was.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_isSet && Inner.FullState == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(Inner, "RESET ALL", CancellationToken.None);
            }
        }
        catch (Exception e) when (e is NpgsqlException or IOException or InvalidOperationException)
        {
            // It is broken, and will not be used again.
        }

        await Inner.DisposeAsync();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
