namespace Tenfold.Runtime.Stores;

/// <summary>
/// Brings the number of a database's replicas to what is wanted. One that comes is taken in without data, which the set then copies. One that leaves
/// is told so first: apps see that in its configuration and read elsewhere; it goes when nobody is in the middle of something, and its copy is deleted.
/// </summary>
/// <remarks>Used by the loop of the set.</remarks>
internal sealed class ReplicaNumber(PostgresDatabase database)
{
    // Apps look at every server twice a second at least.
    private static readonly TimeSpan Notice = TimeSpan.FromSeconds(2);

    private readonly StoreOptions _options = database.Plan.Options;

    /// <summary>One step; the primary answers.</summary>
    /// <param name="leave">Begins to end a replica: that takes longer than a step.</param>
    /// <param name="cancel">Gives it up.</param>
    public async Task StepAsync(Action<PostgresMember> leave, CancellationToken cancel)
    {
        foreach (var gone in database.Replicas.Where(one => one.HasLeft).ToList())
        {
            database.Remove(gone);
            _options.Report($"store {database.Name}: the replica {gone.Name} has left, and its copy is deleted");
        }

        var staying = database.Replicas.Where(one => one.LeavingSince is null).ToList();
        var wanted = database.WantedReplicas;
        if (staying.Count < wanted)
        {
            await ComeAsync(cancel);
        }
        else if (staying.Count > wanted && database.Replicas.All(one => one.LeavingSince is null))
        {
            await TellAsync(Next(staying), isLeaving: true, cancel);
        }

        foreach (var leaving in database.Replicas.Where(IsOnItsWay).ToList())
        {
            if (await MayGoAsync(leaving, cancel))
            {
                leave(leaving);
            }
        }
    }

    /// <summary>There is no primary: whoever is about to leave may be the one that has to take over.</summary>
    public async Task StayAsync(CancellationToken cancel)
    {
        foreach (var leaving in database.Replicas.Where(IsOnItsWay).ToList())
        {
            await TellAsync(leaving, isLeaving: false, cancel);
        }
    }

    /// <summary>What ends a replica that may go: its server, what its primary keeps for it, its data.</summary>
    public async Task EndAsync(PostgresMember leaving, CancellationToken cancel)
    {
        await leaving.Server.SuspendAsync(kill: !leaving.Answers, "leaving");
        leaving.IsStarted = false;
        await database.Primary.Admin.DropSlotAsync(leaving.Index, cancel);
        await leaving.Node.RemoveGroupAsync();
        leaving.Node.DeleteData();
        leaving.Server.Show(StorePhase.Stopped, "it has left");
        leaving.HasLeft = true;
    }

    private async Task ComeAsync(CancellationToken cancel)
    {
        if (database.Replicas.FirstOrDefault(IsOnItsWay) is { } back)
        {
            await TellAsync(back, isLeaving: false, cancel);
        }
        else if (database.Add() is { } added)
        {
            _options.Report($"store {database.Name}: one more replica: {added.Name}");
        }
    }

    private async Task TellAsync(PostgresMember replica, bool isLeaving, CancellationToken cancel)
    {
        replica.LeavingSince = isLeaving ? _options.Time.GetTimestamp() : null;
        _options.Report($"store {database.Name}: the replica {replica.Name} {(isLeaving ? "is to leave: it is read from no more" : "stays after all")}");
        if (replica.IsStarted)
        {
            replica.Node.Configure();
            if (replica.Answers)
            {
                await replica.Admin.ReloadAsync(cancel);
            }
        }
    }

    private async Task<bool> MayGoAsync(PostgresMember leaving, CancellationToken cancel)
    {
        var since = _options.Time.GetElapsedTime(leaving.LeavingSince!.Value);
        // As long as a commit may be nowhere else, or waits for it, it is needed.
        if (since < Notice || database.SynchronousNames.Contains(leaving.Index) || database.Topology.Synced.Contains(leaving.Index) || _options.Time.GetUtcNow() < leaving.RetryAt)
        {
            return false;
        }

        return !leaving.Answers || since >= _options.ReadersLimit || await leaving.Admin.ReadersAsync(database.Plan.Guide.System, cancel) is null or 0;
    }

    private static bool IsOnItsWay(PostgresMember replica) => replica is { LeavingSince: not null, HasLeft: false } && replica.Repair.IsCompleted;

    // One that is of no use first, then the newest.
    private static PostgresMember Next(IEnumerable<PostgresMember> staying) =>
        staying.OrderBy(one => one is { IsStarted: true, Answers: true, Probe.Streams: true }).ThenByDescending(one => one.Index).First();
}
