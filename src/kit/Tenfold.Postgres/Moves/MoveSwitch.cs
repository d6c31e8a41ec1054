using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>Steps 10 to 16: blocks writes of the buckets, waits for the last change, and hands the buckets over.</summary>
internal static class MoveSwitch
{
    private const long Margin = 1_000; // values of a sequence that the target may take while its sequence is set

    /// <exception cref="ShardException">Writes could not be blocked in any attempt, or rows differ.</exception>
    public static async Task RunAsync(Mover mover, MoveStream stream, IReadOnlyList<SuspectRow> suspects, CancellationToken cancel)
    {
        var reason = "";
        for (var attempt = 1; attempt <= mover.Options.BlockAttempts; attempt++)
        {
            await stream.SyncAsync(cancel);
            var began = mover.Store.Time.GetTimestamp();
            if (!await TryBlockAsync(mover, cancel))
            {
                reason = $"transactions hold them: {await Holders.OfBucketsAsync(mover.Source, mover.Buckets, cancel)}";
            }
            else
            {
                try
                {
                    await mover.PassedAsync(MoveStep.Blocked, $"writes of {mover.Move.Say()} wait", cancel);
                    if (await TryDrainAsync(mover, stream, cancel))
                    {
                        await HandOverAsync(mover, suspects, cancel);
                        await UnblockAsync(mover);
                        var blocked = mover.Store.Time.GetElapsedTime(began).TotalMilliseconds;
                        await mover.PassedAsync(MoveStep.Flipped, string.Create(CultureInfo.InvariantCulture, $"database {mover.Move.Target} owns {mover.Move.Say()}; writes of them waited {blocked:0} ms"), cancel);
                        return;
                    }

                    reason = $"the target did not have the last change within {mover.Options.DrainLimit.TotalMilliseconds:0} ms";
                }
                finally
                {
                    await UnblockAsync(mover);
                }
            }

            mover.Report(new MoveProgress(mover.Move.Id, MoveStep.Compared, $"writes were let go after attempt {attempt} of {mover.Options.BlockAttempts} to block them: {reason}"));
            await Task.Delay(mover.Options.BlockPause, mover.Store.Time, cancel);
        }

        throw new ShardException(
            ShardFailure.Move,
            $"move {mover.Move.Id}: writes of {mover.Move.Say()} could not be blocked in {mover.Options.BlockAttempts} attempts: {reason}; nothing was switched: when that has ended, run the move again, it goes on from here");
    }

    /// <summary>What is left when the source is closed already. The target has everything: the source was drained before it was closed.</summary>
    public static async Task OpenTargetAsync(Mover mover, CancellationToken cancel)
    {
        await ShardFences.SetAsync(mover.Target, mover.Buckets, owned: true, await NextEpochAsync(mover, cancel), cancel);
        await mover.PassedAsync(MoveStep.TargetOpened, $"database {mover.Move.Target} takes writes of {mover.Move.Say()}", cancel);
        // Replicas of the target that have not come so far do not serve these buckets.
        await MoveJournal.FlipAsync(mover.Home, mover.Move, await ReadToken.TakeAsync(mover.Target, cancel), cancel);
    }

    private static async Task HandOverAsync(Mover mover, IReadOnlyList<SuspectRow> suspects, CancellationToken cancel)
    {
        await MoveDiff.FinishAsync(mover, suspects, cancel);
        await mover.PassedAsync(MoveStep.Drained, "the target has the last change", cancel);
        await SetSequencesAsync(mover, cancel);
        await mover.PassedAsync(MoveStep.SequencesSet, "sequences are past the source's", cancel);
        await mover.DoneAsync(MoveStep.SwitchJournaled, "the switch is written down", cancel);
        await ShardFences.SetAsync(mover.Source, mover.Buckets, owned: false, await NextEpochAsync(mover, cancel), cancel);
        await mover.PassedAsync(MoveStep.SourceFenced, $"database {mover.Move.Source} refuses writes of {mover.Move.Say()}", cancel);
        await OpenTargetAsync(mover, cancel);
    }

    /// <summary>Takes the buckets' locks alone, all within the limit. Writers that come meanwhile wait, so a longer wait would be theirs.</summary>
    private static async Task<bool> TryBlockAsync(Mover mover, CancellationToken cancel)
    {
        try
        {
            await Sql.ExecuteAsync(mover.Source, string.Create(CultureInfo.InvariantCulture, $"SET statement_timeout = {(long)mover.Options.BlockLimit.TotalMilliseconds}"), cancel);
            await Sql.ExecuteAsync(mover.Source, $"SELECT pg_advisory_lock({ShardSchema.BucketLock}, bucket) FROM unnest($1::integer[]) bucket", cancel, mover.Buckets);
            await Sql.ExecuteAsync(mover.Source, "SET statement_timeout = 0", cancel);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled && !cancel.IsCancellationRequested)
        {
            await UnblockAsync(mover); // those that it got
            await Sql.ExecuteAsync(mover.Source, "SET statement_timeout = 0", cancel);
            return false;
        }
    }

    private static async Task UnblockAsync(Mover mover)
    {
        if (mover.Source.FullState == System.Data.ConnectionState.Open)
        {
            await Sql.ExecuteAsync(mover.Source, "SELECT pg_advisory_unlock_all()", CancellationToken.None);
        }
    }

    private static async Task<bool> TryDrainAsync(Mover mover, MoveStream stream, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(mover.Options.DrainLimit);
        try
        {
            await stream.SyncAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task<long> NextEpochAsync(Mover mover, CancellationToken cancel) =>
        await Sql.ScalarAsync<long>(mover.Home, "SELECT epoch + 1 FROM tenfold.shard_map", cancel);

    // Rows of the moved buckets carry values that the target's own sequence has not reached.
    private static async Task SetSequencesAsync(Mover mover, CancellationToken cancel)
    {
        var sequences = await Sql.ListAsync(
            mover.Source,
            """
            SELECT DISTINCT format('%I.%I', n.nspname, s.relname), pg_sequence_last_value(q.seqrelid)
            FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid JOIN pg_namespace n ON n.oid = s.relnamespace
                JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attname = 'bucket_id'
            WHERE pg_sequence_last_value(q.seqrelid) IS NOT NULL
            """,
            rows => (Name: rows.GetString(0), Last: rows.GetInt64(1)),
            cancel);
        foreach (var (name, last) in sequences)
        {
            await Sql.ExecuteAsync(
                mover.Target,
                "SELECT setval(seqrelid, $2 + $3) FROM pg_sequence WHERE seqrelid = to_regclass($1) AND coalesce(pg_sequence_last_value(seqrelid), 0) < $2 + $3",
                cancel,
                name,
                last,
                Margin);
        }
    }
}
