using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Steps 17 and 18: makes sure that nothing came to the source after the switch, and removes what is left there.</summary>
internal static class MoveDrop
{
    /// <exception cref="ShardException">Something wrote to the source after the switch; its rows are kept.</exception>
    public static async Task RunAsync(Mover mover, CancellationToken cancel)
    {
        if (mover.Move.Step < MoveStep.SourceReleased)
        {
            await CheckLateAsync(mover, cancel);
            await MoveCleaner.DropSlotAsync(mover.Source, mover.Move.ObjectName, cancel);
            await MoveCleaner.DropPublicationAsync(mover.Source, mover.Move.ObjectName, cancel);
            await mover.DoneAsync(MoveStep.SourceReleased, "slot and publication are gone", cancel);
        }

        mover.Tables = await ShardedTable.ListAsync(mover.Source, cancel);
        var rows = await MoveCleaner.DeleteRowsAsync(mover.Source, mover.Tables, mover.Buckets, cancel);
        await Sql.ExecuteAsync(mover.Source, "DELETE FROM tenfold.shard_fences WHERE bucket = ANY($1) AND NOT owned", cancel, mover.Buckets);
        await Sql.ExecuteAsync(mover.Target, "DELETE FROM tenfold.shard_incoming WHERE move = $1", cancel, mover.Move.Id);
        await MoveJournal.RemoveAsync(mover.Home, mover.Move.Id, cancel);
        await mover.PassedAsync(MoveStep.Dropped, $"move {mover.Move.Id} is done; {rows} rows deleted at database {mover.Move.Source}", cancel);
    }

    private static async Task CheckLateAsync(Mover mover, CancellationToken cancel)
    {
        var hasSlot = await Sql.ScalarAsync<bool>(mover.Source, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", cancel, mover.Move.ObjectName);
        if (!hasSlot || await MoveApplier.AppliedAsync(mover.Target, mover.Move.Id, cancel) is not { } applied)
        {
            return; // an earlier run has checked and dropped it
        }

        await Sql.ExecuteAsync(mover.Source, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active", cancel, mover.Move.ObjectName);
        var late = new LateWrites(applied);
        await using (var stream = MoveStream.Start(mover.Source, await MoveConnections.OpenReplicationAsync(mover.Store, mover.Move.Source, mover.Source, cancel), mover.Move, late))
        {
            await stream.SyncAsync(cancel);
        }

        if (late.Count > 0)
        {
            throw new ShardException(
                ShardFailure.Move,
                $"move {mover.Move.Id}: {late.Count} changes of {mover.Move.Say()} (table {late.Table}) came to database {mover.Move.Source} after the switch, from statements that did not go through the shard map; its rows are kept: compare them with database {mover.Move.Target}, copy what is missing by hand, then drop the slot {mover.Move.ObjectName} there and run the move again");
        }
    }
}
