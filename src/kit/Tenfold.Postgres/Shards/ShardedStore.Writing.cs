using System.Data;
using Npgsql;

namespace Tenfold.Postgres.Shards;

public sealed partial class ShardedStore
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Writes rows of one key in a transaction at the bucket's owner. The transaction's first statement holds the bucket, so that
    /// <paramref name="work"/> is called for the real owner only, and the bucket stays until the transaction ends: keep it short, a
    /// move waits for it. What <paramref name="work"/> throws rolls back; otherwise it is committed.
    /// </summary>
    /// <param name="key">What the rows are sharded by.</param>
    /// <param name="work">Runs on the open transaction; every statement filters by, or sets, <c>bucket_id</c>.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <param name="isolation">Default: read committed.</param>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: no owner was found within <see cref="ShardedStoreOptions.MoveWait"/>; nothing was executed.</exception>
    public Task<T> WriteAsync<T>(ShardKey key, Func<ShardTransaction, CancellationToken, Task<T>> work, Caller? caller, CancellationToken cancel, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        ArgumentNullException.ThrowIfNull(work);
        return AtOwnerAsync(key, caller, WriteOnceAsync, cancel);

        async Task<T> WriteOnceAsync(Shard shard, NpgsqlConnection connection)
        {
            await using var transaction = await connection.BeginTransactionAsync(isolation, cancel);
            await using (var hold = new NpgsqlCommand("SELECT tenfold.hold($1)", connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = shard.Bucket } } })
            {
                await hold.ExecuteNonQueryAsync(cancel);
            }

            var result = await work(new ShardTransaction(shard, connection, transaction), cancel);
            await transaction.CommitAsync(cancel);
            return result;
        }
    }

    /// <summary>
    /// Executes statements on rows of one key at the bucket's owner, in one transaction and one round trip: the hold travels with them.
    /// </summary>
    /// <param name="key">What the rows are sharded by.</param>
    /// <param name="batch">The statements, without a connection; each filters by, or sets, <c>bucket_id</c>.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Number of rows inserted, updated and deleted.</returns>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: no owner was found in time; nothing was executed.</exception>
    public Task<int> ExecuteAsync(ShardKey key, NpgsqlBatch batch, Caller? caller, CancellationToken cancel) =>
        ExecuteAsync(key, batch, static (running, cancel) => running.ExecuteNonQueryAsync(cancel), caller, cancel);

    /// <summary>The same for statements that answer with rows, still one round trip.</summary>
    /// <param name="key">What the rows are sharded by.</param>
    /// <param name="batch">The statements, without a connection; each filters by, or sets, <c>bucket_id</c>.</param>
    /// <param name="read">Reads from the reader, which is at the first statement's rows. What it has read is committed only when this method returns.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: no owner was found in time; nothing was executed.</exception>
    public Task<T> QueryAsync<T>(ShardKey key, NpgsqlBatch batch, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(read);
        return ExecuteAsync(
            key,
            batch,
            async (running, token) =>
            {
                await using var rows = await running.ExecuteReaderAsync(token);
                await rows.NextResultAsync(token); // past the hold
                var result = await read(rows, token);
                while (await rows.NextResultAsync(token))
                {
                    // To the end of the transaction: a later statement, or the commit, may fail.
                }

                return result;
            },
            caller,
            cancel);
    }

    private Task<T> ExecuteAsync<T>(ShardKey key, NpgsqlBatch batch, Func<NpgsqlBatch, CancellationToken, Task<T>> run, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.EnableErrorBarriers || ((IList<NpgsqlBatchCommand>)batch.BatchCommands).Any(command => command.AppendErrorBarrier == true))
        {
            throw new ArgumentException("the statements are one transaction with the hold of their bucket: error barriers would make several of it", nameof(batch));
        }

        batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("SELECT tenfold.hold($1)") { Parameters = { new NpgsqlParameter<int> { TypedValue = Map.BucketOf(key) } } });
        var attempts = 0;
        return AtOwnerAsync(key, caller, ExecuteOnceAsync, cancel);

        async Task<T> ExecuteOnceAsync(Shard shard, NpgsqlConnection connection)
        {
            if (attempts++ == 0)
            {
                batch.Connection = connection;
                return await run(batch, cancel);
            }

            // Its commands remember how they were prepared, on a connection where they no longer are.
            await using var again = Copy(batch, connection);
            return await run(again, cancel);
        }
    }

    /// <summary>Repeats what was refused since the bucket is another's: its first statement is the hold, so nothing of it was executed.</summary>
    private async Task<T> AtOwnerAsync<T>(ShardKey key, Caller? caller, Func<Shard, NpgsqlConnection, Task<T>> attempt, CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        var pause = ShortestPause;
        while (true)
        {
            var shard = Shard(key);
            try
            {
                await using var connection = await shard.Store.OpenWriterAsync(caller, cancel);
                try
                {
                    return await attempt(shard, connection);
                }
                catch (PostgresException e) when (e.SqlState == ShardSchema.NotOwned)
                {
                    // What the driver was preparing behind the hold was never parsed: it must not count on it.
                    connection.UnprepareAll();
                    throw;
                }
            }
            catch (PostgresException e) when (e.SqlState == ShardSchema.NotOwned)
            {
                _metrics.Refused();
                var map = await Watcher.RefreshAsync(cancel);
                if (map.DatabaseOf(shard.Bucket) != shard.Database)
                {
                    continue;
                }

                if (_time.GetElapsedTime(began) > _options.MoveWait)
                {
                    throw new ShardException(
                        ShardFailure.Moved,
                        $"bucket {shard.Bucket} is refused by database {shard.Database} ({shard.Store.Name}), which owns it by the map of epoch {map.Epoch}, for {_options.MoveWait.TotalSeconds:0.#} s: a move was interrupted; run it again to finish it",
                        e);
                }

                await Task.Delay(pause, _time, cancel);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private static NpgsqlBatch Copy(NpgsqlBatch batch, NpgsqlConnection connection)
    {
        var copy = new NpgsqlBatch(connection) { Timeout = batch.Timeout };
        foreach (var command in batch.BatchCommands)
        {
            var same = new NpgsqlBatchCommand(command.CommandText);
            foreach (NpgsqlParameter parameter in command.Parameters)
            {
                same.Parameters.Add(parameter.Clone());
            }

            copy.BatchCommands.Add(same);
        }

        return copy;
    }
}

/// <summary>An open transaction at a bucket's owner, which holds the bucket.</summary>
/// <param name="Shard">Bucket and database.</param>
/// <param name="Connection">The open connection.</param>
/// <param name="Transaction">The transaction; committed by whoever opened it.</param>
public sealed record ShardTransaction(Shard Shard, NpgsqlConnection Connection, NpgsqlTransaction Transaction)
{
    /// <summary>The value of <c>bucket_id</c>.</summary>
    public int Bucket => Shard.Bucket;
}
