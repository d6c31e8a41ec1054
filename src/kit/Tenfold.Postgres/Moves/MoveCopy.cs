using System.Buffers;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Makes the slot and copies the snapshot that it exports: steps 5 and 6.</summary>
internal static class MoveCopy
{
    private const int Characters = 64 << 10;

    /// <summary>
    /// Copies the rows. They and the position that they are of are one transaction at the target: a killed copy has left nothing but
    /// the slot, whose snapshot died with it, and begins again with a new one.
    /// </summary>
    public static async Task RunAsync(Mover mover, CancellationToken cancel)
    {
        await MoveCleaner.DropSlotAsync(mover.Source, mover.Move.ObjectName, cancel);
        await using var replication = await MoveConnections.OpenReplicationAsync(mover.Store, mover.Move.Source, mover.Source, cancel);
        var slot = await MakeSlotAsync(mover, replication, cancel);
        await mover.DoneAsync(MoveStep.SlotMade, $"the source keeps its log from {slot.ConsistentPoint} on", cancel);

        // On connections of their own: the source's other one runs statements meanwhile, the target's waits for a commit.
        await using var source = await MoveConnections.OpenAsync(mover.Store, mover.Move.Source, cancel);
        await using var read = await source.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancel);
        await Sql.ExecuteAsync(source, $"SET TRANSACTION SNAPSHOT {Sql.Text(slot.SnapshotName!)}", cancel);
        var total = 0L;
        foreach (var table in mover.Tables)
        {
            total += await Sql.ScalarAsync<long>(source, $"SELECT count(*) FROM {table.Sql} WHERE bucket_id = ANY($1)", cancel, mover.Buckets);
        }

        await using var write = await mover.Target.BeginTransactionAsync(cancel);
        try
        {
            await MovePreflight.SilenceTriggersAsync(mover.Target, mover.Tables, cancel);
            var counter = new MoveCounter(mover, MoveStep.Copied, "copying", total);
            foreach (var table in mover.Tables)
            {
                await CopyAsync(table, source, mover, counter, cancel);
            }

            await Sql.ExecuteAsync(mover.Target, "INSERT INTO tenfold.shard_incoming (move, applied) VALUES ($1, $2)", cancel, mover.Move.Id, slot.ConsistentPoint);
            await write.CommitAsync(cancel);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DiskFull)
        {
            throw new ShardException(
                ShardFailure.Move,
                $"move {mover.Move.Id}: database {mover.Move.Target} has no room ({e.MessageText}); the {total} rows of {mover.Move.Say()} were not copied, what was written is rolled back, and the source goes on as before: make room there and run the move again, or 'clean'",
                e);
        }

        await mover.DoneAsync(MoveStep.Copied, $"{total} rows copied", cancel);
    }

    private static async Task CopyAsync(ShardedTable table, NpgsqlConnection source, Mover mover, MoveCounter counter, CancellationToken cancel)
    {
        // As text: types of the user's own have other numbers in another database, which the binary form may contain.
        using var reader = await source.BeginTextExportAsync($"COPY (SELECT {table.ColumnList} FROM {table.Sql} WHERE bucket_id IN ({string.Join(',', mover.Buckets)})) TO STDOUT", cancel);
        await using var writer = await mover.Target.BeginTextImportAsync($"COPY {table.Sql} ({table.ColumnList}) FROM STDIN", cancel);
        var buffer = ArrayPool<char>.Shared.Rent(Characters);
        try
        {
            int read;
            while ((read = await reader.ReadAsync(buffer, cancel)) > 0)
            {
                await writer.WriteAsync(buffer.AsMemory(0, read), cancel);
                counter.Add(buffer.AsSpan(0, read).Count('\n')); // a row each: those in values are escaped
            }
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    private static async Task<PgOutputReplicationSlot> MakeSlotAsync(Mover mover, LogicalReplicationConnection replication, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(mover.Options.SlotLimit);
        try
        {
            return await replication.CreatePgOutputReplicationSlot(mover.Move.ObjectName, slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export, cancellationToken: limit.Token);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested && limit.IsCancellationRequested)
        {
            throw new ShardException(
                ShardFailure.Move,
                $"move {mover.Move.Id}: the source could not begin to follow changes within {mover.Options.SlotLimit.TotalSeconds:0.#} s, as it waits for transactions that are writing since before: {await Holders.OfServerAsync(mover.Source, cancel)}; end them and run the move again",
                e);
        }
    }
}

/// <summary>Reports a step that counts rows, a few times a second at most.</summary>
internal sealed class MoveCounter(Mover mover, MoveStep step, string what, long total)
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly long _began = mover.Store.Time.GetTimestamp();
    private long _reported = mover.Store.Time.GetTimestamp();
    private long _done;

    public void Add(long rows)
    {
        _done += rows;
        if (mover.Store.Time.GetElapsedTime(_reported) < Every)
        {
            return;
        }

        _reported = mover.Store.Time.GetTimestamp();
        var left = _done > 0 && total > _done ? mover.Store.Time.GetElapsedTime(_began) * ((total - _done) / (double)_done) : (TimeSpan?)null;
        mover.Report(new MoveProgress(mover.Move.Id, step, what, _done, total, left));
    }
}
