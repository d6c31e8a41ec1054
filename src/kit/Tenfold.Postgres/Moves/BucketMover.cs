using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>
/// Moves buckets between databases while they are used. Killed at any point and run again, a move goes on or, from the point of no
/// return on, forward to its end. One mover works on a store at a time. Not thread-safe.
/// </summary>
/// <param name="store">Whose buckets.</param>
/// <param name="options">How.</param>
/// <param name="report">Told of every step, and a few times a second within long ones.</param>
public sealed class BucketMover(ShardedStore store, MoveOptions options, Action<MoveProgress> report)
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Moves buckets to a database; those that are there already stay. Unfinished moves are finished first.</summary>
    /// <param name="buckets">The buckets.</param>
    /// <param name="target">Number of the database.</param>
    /// <param name="cancel">Stops it at a place from which the next run goes on.</param>
    /// <exception cref="ShardException">Something is in the way; the message says what, and how to go on.</exception>
    public Task MoveAsync(IReadOnlyList<int> buckets, int target, CancellationToken cancel) => WithHomeAsync(
        async home =>
        {
            await FinishAsync(home, cancel);
            var map = await MapAsync(home, cancel);
            await RunAllAsync(home, [.. buckets.Distinct().Order().Where(bucket => map.DatabaseOf(bucket) != target).Select(bucket => new BucketMove(bucket, map.DatabaseOf(bucket), target))], cancel);
            await DropAsync(home, cancel);
        },
        cancel);

    /// <summary>Evens the databases' sizes. Databases that the options name and the map does not list are listed first, and so filled.</summary>
    /// <param name="threshold">Accepted distance from the mean, as a share of it.</param>
    /// <param name="cancel">Stops it at a place from which the next run goes on.</param>
    /// <returns>What was moved.</returns>
    /// <exception cref="ShardException">Something is in the way.</exception>
    public async Task<IReadOnlyList<BucketMove>> RebalanceAsync(double threshold, CancellationToken cancel)
    {
        IReadOnlyList<BucketMove> plan = [];
        await WithHomeAsync(
            async home =>
            {
                await FinishAsync(home, cancel);
                var map = await MapAsync(home, cancel);
                plan = Rebalance.Plan(map.Owners, (await ShardSizes.ReadAsync(store, cancel)).Weights(), [.. map.Databases.Select(database => database.Id)], threshold);
                await RunAllAsync(home, plan, cancel);
                await DropAsync(home, cancel);
            },
            cancel);
        return plan;
    }

    /// <summary>Finishes moves that were interrupted.</summary>
    /// <exception cref="ShardException">Something is in the way.</exception>
    public Task ResumeAsync(CancellationToken cancel) => WithHomeAsync(
        async home =>
        {
            await FinishAsync(home, cancel);
            await DropAsync(home, cancel);
        },
        cancel);

    /// <summary>
    /// Finds and removes what abandoned moves have left: slots, publications, copied rows. A move that is past the point of no return
    /// is finished instead.
    /// </summary>
    /// <returns>What was done, a sentence each; empty when there was nothing.</returns>
    /// <exception cref="ShardException">Something is in the way.</exception>
    public async Task<IReadOnlyList<string>> CleanAsync(CancellationToken cancel)
    {
        IReadOnlyList<string> done = [];
        await WithHomeAsync(
            async home => done = await MoveLeftovers.CleanAsync(store, home, move => RunAsync(home, move, cancel), () => DropAsync(home, cancel), cancel),
            cancel);
        return done;
    }

    /// <summary>Moves that are not at their end.</summary>
    public async Task<IReadOnlyList<MoveRecord>> UnfinishedAsync(CancellationToken cancel)
    {
        await using var home = await MoveConnections.OpenAsync(store, 0, cancel);
        return await MoveJournal.ListAsync(home, cancel);
    }

    private async Task FinishAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        foreach (var move in await MoveJournal.ListAsync(home, cancel))
        {
            report(new MoveProgress(move.Id, move.Step, $"move {move.Id} ({move.Say()} from database {move.Source} to {move.Target}) was interrupted: going on with it"));
            await RunAsync(home, move, cancel);
        }
    }

    private async Task RunAllAsync(NpgsqlConnection home, IReadOnlyList<BucketMove> moves, CancellationToken cancel)
    {
        var batches = moves.GroupBy(move => (move.From, move.To)).SelectMany(pair => pair.Chunk(options.Together)).ToList();
        var began = store.Time.GetTimestamp();
        for (var at = 0; at < batches.Count; at++)
        {
            var (from, to) = (batches[at][0].From, batches[at][0].To);
            await PreflightAsync(from, to, cancel);
            await options.AfterStep(MoveStep.Preflighted, cancel);
            var move = await MoveJournal.AddAsync(home, from, to, [.. batches[at].Select(one => one.Bucket)], cancel);
            var left = at == 0 ? (TimeSpan?)null : store.Time.GetElapsedTime(began) / at * (batches.Count - at);
            var of = batches.Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({at + 1} of {batches.Count})");
            report(new MoveProgress(move.Id, MoveStep.Recorded, $"move {move.Id}{of}: {move.Say()} from database {move.Source} to {move.Target}", Left: left));
            await options.AfterStep(MoveStep.Recorded, cancel);
            await RunAsync(home, move, cancel);
        }
    }

    private async Task PreflightAsync(int source, int target, CancellationToken cancel)
    {
        await using var from = await MoveConnections.OpenAsync(store, source, cancel);
        await using var to = await MoveConnections.OpenAsync(store, target, cancel);
        await using (var owner = await store.Databases.Of(store.Map.Databases.First(database => database.Id == target)).OpenWriterAsync(null, cancel))
        {
            // As instances' user, who is to use and keep them.
            await ShardSchema.EnsureAsync(owner, home: target == 0, cancel);
            await Partitions.PartitionMirror.MakeAsync(from, owner, TimeProvider.System, cancel); // rows of any date find a place
        }

        await MovePreflight.CheckAsync(from, to, source, target, slotIsThere: false, cancel);
    }

    /// <summary>Brings a move, from wherever it is, to the switch.</summary>
    private async Task RunAsync(NpgsqlConnection home, MoveRecord move, CancellationToken cancel)
    {
        if (move.Step >= MoveStep.Flipped)
        {
            return;
        }

        await using var mover = await Mover.OpenAsync(store, move, options, home, report, cancel);
        var owned = await ShardFences.OwnedAsync(mover.Source, mover.Buckets, cancel);
        if (owned.Count == 0 && move.Step >= MoveStep.SwitchJournaled)
        {
            await MoveSwitch.OpenTargetAsync(mover, cancel);
            await mover.PassedAsync(MoveStep.Flipped, $"database {move.Target} owns {move.Say()}", cancel);
            return;
        }

        if (owned.Count != mover.Buckets.Length)
        {
            throw new ShardException(ShardFailure.Move, $"move {move.Id}: database {move.Source} does not own all of {move.Say()} (it does own: {string.Join(", ", owned)}); abandon the move (clean) and begin it again");
        }

        var hasSlot = await Sql.ScalarAsync<bool>(mover.Source, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status IS DISTINCT FROM 'lost')", cancel, move.ObjectName);
        mover.Tables = await MovePreflight.CheckAsync(mover.Source, mover.Target, move.Source, move.Target, hasSlot, cancel);
        if (!hasSlot || await MoveApplier.AppliedAsync(mover.Target, move.Id, cancel) is null)
        {
            await CopyAsync(mover, cancel);
        }

        await FollowAsync(mover, cancel);
    }

    private static async Task CopyAsync(Mover mover, CancellationToken cancel)
    {
        var left = await MoveCleaner.DeleteRowsAsync(mover.Target, mover.Tables, mover.Buckets, cancel);
        await Sql.ExecuteAsync(mover.Target, "DELETE FROM tenfold.shard_incoming WHERE move = $1", cancel, mover.Move.Id);
        await MoveJournal.ProgressAsync(mover.Home, mover.Move.Id, "", cancel);
        await mover.DoneAsync(MoveStep.TargetReady, left == 0 ? "the target is ready" : $"the target is ready; {left} rows of an earlier attempt were removed", cancel);

        await MoveCleaner.DropPublicationAsync(mover.Source, mover.Move.ObjectName, cancel);
        var buckets = string.Join(", ", mover.Buckets);
        var tables = string.Join(", ", mover.Tables.Select(table => $"TABLE {table.Sql} WHERE (bucket_id IN ({buckets}))"));
        await Sql.ExecuteAsync(mover.Source, $"CREATE PUBLICATION {Sql.Name(mover.Move.ObjectName)} FOR {tables} WITH (publish_via_partition_root = true)", cancel);
        await mover.DoneAsync(MoveStep.Published, $"the source publishes changes of {mover.Tables.Count} tables", cancel);
        await MoveCopy.RunAsync(mover, cancel);
    }

    private async Task FollowAsync(Mover mover, CancellationToken cancel)
    {
        // A walsender that a killed mover has left keeps the slot for a moment.
        await Sql.ExecuteAsync(mover.Source, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active", cancel, mover.Move.ObjectName);
        await using var target = await MoveConnections.OpenAsync(store, mover.Move.Target, cancel); // its own: changes come while others are compared
        await using var applier = new MoveApplier(target, mover.Move, mover.Tables);
        await using var stream = MoveStream.Start(mover.Source, await MoveConnections.OpenReplicationAsync(store, mover.Move.Source, mover.Source, cancel), mover.Move, applier);
        await stream.SyncAsync(cancel);
        await mover.DoneAsync(MoveStep.CaughtUp, "the target has caught up, and follows", cancel);
        IReadOnlyList<SuspectRow> suspects = [];
        if (mover.Move.Step < MoveStep.SwitchJournaled)
        {
            foreach (var table in mover.Tables)
            {
                await Sql.ExecuteAsync(mover.Target, $"ANALYZE {table.Sql}", cancel); // indexes were compared before the copy
            }

            await mover.DoneAsync(MoveStep.Indexed, "the target has the source's indexes and fresh statistics", cancel);
            suspects = await MoveDiff.RunAsync(mover, stream, cancel);
            await mover.DoneAsync(MoveStep.Compared, suspects.Count == 0 ? "source and target are the same" : $"source and target are the same but for {suspects.Count} rows that change all the time: those are looked at again when writes wait", cancel);
        }

        await MoveSwitch.RunAsync(mover, stream, suspects, cancel);
    }

    /// <summary>Releases the sources of all moves that are switched, each when it is time.</summary>
    private async Task DropAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        foreach (var move in await MoveJournal.ListAsync(home, cancel))
        {
            if (move.FlippedFor is { } since && options.DropDelay - since is { Ticks: > 0 } wait)
            {
                report(new MoveProgress(move.Id, MoveStep.Flipped, "the source's rows stay for reads that began before the switch", Left: wait));
                await Task.Delay(wait, store.Time, cancel);
            }

            await using var mover = await Mover.OpenAsync(store, move, options, home, report, cancel);
            await MoveDrop.RunAsync(mover, cancel);
        }
    }

    private async Task<ShardMap> MapAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        var map = await ShardMapTable.ReadAsync(home, cancel) ?? throw new ShardException(ShardFailure.Map, $"store {store.Home.Name} has no shard map");
        await store.ReachAsync(map.Epoch, cancel);
        return map;
    }

    private async Task WithHomeAsync(Func<NpgsqlConnection, Task> work, CancellationToken cancel)
    {
        await using var home = await MoveConnections.OpenAsync(store, 0, cancel);
        var began = store.Time.GetTimestamp();
        while (!await Sql.ScalarAsync<bool>(home, "SELECT pg_try_advisory_lock($1)", cancel, MoveJournal.MoverLock))
        {
            // That of a killed mover is released as soon as the server sees that it is gone.
            if (store.Time.GetElapsedTime(began) > LockPatience)
            {
                throw new ShardException(ShardFailure.Move, $"store {store.Home.Name}: another process is moving or cleaning buckets; wait for it, or end it");
            }

            await Task.Delay(LockPause, store.Time, cancel);
        }

        await store.RegisterAsync(home, cancel);
        await work(home);
    }
}
