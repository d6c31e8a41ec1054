using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Removes what moves make. Everything may be called again, and does nothing when there is nothing.</summary>
internal static class MoveCleaner
{
    private const int Piece = 5_000; // rows deleted in one transaction
    private const int Attempts = 60;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Drops a slot; a walsender that a killed mover has left is ended.</summary>
    /// <exception cref="ShardException">Something else goes on using it.</exception>
    public static async Task<bool> DropSlotAsync(NpgsqlConnection connection, string name, CancellationToken cancel)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var active = await Sql.ListAsync(connection, "SELECT coalesce(active_pid, 0) FROM pg_replication_slots WHERE slot_name = $1", rows => rows.GetInt32(0), cancel, name);
            if (active.Count == 0)
            {
                return attempt > 0;
            }

            try
            {
                if (active[0] != 0)
                {
                    await Sql.ExecuteAsync(connection, "SELECT pg_terminate_backend($1)", cancel, active[0]);
                    await Task.Delay(Pause, TimeProvider.System, cancel);
                }

                await Sql.ExecuteAsync(connection, "SELECT pg_drop_replication_slot($1)", cancel, name);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.UndefinedObject)
            {
                await Task.Delay(Pause, TimeProvider.System, cancel);
            }
        }

        throw new ShardException(ShardFailure.Move, $"replication slot {name} is in use and could not be dropped; see pg_replication_slots");
    }

    /// <summary>Drops a publication.</summary>
    /// <returns>Whether there was one.</returns>
    public static async Task<bool> DropPublicationAsync(NpgsqlConnection connection, string name, CancellationToken cancel)
    {
        var there = await Sql.ScalarAsync<bool>(connection, "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", cancel, name);
        if (there)
        {
            await RetryAsync(connection, async () => await Sql.ExecuteAsync(connection, $"SET lock_timeout = '500ms'; DROP PUBLICATION IF EXISTS {Sql.Name(name)}; SET lock_timeout = 0", cancel), cancel);
        }

        return there;
    }

    /// <summary>
    /// Deletes the rows of buckets that a database does not own, in pieces, waiting for a lock only shortly at a time.
    /// </summary>
    /// <exception cref="ShardException">The database owns one of them: nothing of it is deleted.</exception>
    public static async Task<long> DeleteRowsAsync(NpgsqlConnection connection, IReadOnlyList<ShardedTable> tables, IReadOnlyList<int> buckets, CancellationToken cancel)
    {
        var deleted = 0L;
        foreach (var table in tables)
        {
            foreach (var bucket in buckets)
            {
                int piece;
                do
                {
                    piece = 0;
                    await RetryAsync(connection, async () => piece = await DeletePieceAsync(connection, table, bucket, tables, cancel), cancel);
                    deleted += piece;
                }
                while (piece >= Piece);
            }
        }

        return deleted;
    }

    private static async Task<int> DeletePieceAsync(NpgsqlConnection connection, ShardedTable table, int bucket, IReadOnlyList<ShardedTable> tables, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(connection, "SET LOCAL lock_timeout = '500ms'", cancel);
        await MovePreflight.SilenceTriggersAsync(connection, tables, cancel);
        if ((await ShardFences.OwnedAsync(connection, [bucket], cancel)).Count > 0)
        {
            throw new ShardException(ShardFailure.Move, $"bucket {bucket} is owned by {connection.Database}: its rows are not deleted there");
        }

        var key = string.Join(", ", table.Key.Select(column => Sql.Name(column.Name)));
        var some = table.Key.Count == 0 ? "" : $" AND ({key}) IN (SELECT {key} FROM {table.Sql} WHERE bucket_id = $1 LIMIT {Piece})";
        var deleted = await Sql.ExecuteAsync(connection, $"DELETE FROM {table.Sql} WHERE bucket_id = $1{some}", cancel, bucket);
        await transaction.CommitAsync(cancel);
        return deleted;
    }

    private static async Task RetryAsync(NpgsqlConnection connection, Func<Task> work, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await work();
                return;
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                if (attempt == Attempts)
                {
                    throw new ShardException(
                        ShardFailure.Move,
                        $"database {connection.Database} could not be cleaned in {Attempts} attempts of half a second: a transaction holds its rows or tables: {await Holders.OfServerAsync(connection, cancel)}; end it and run the move (or 'clean') again, it goes on from here",
                        e);
                }

                await Task.Delay(Pause * Math.Min(attempt, 10), TimeProvider.System, cancel);
            }
        }
    }
}
