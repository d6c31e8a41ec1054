using Npgsql;

namespace Tenfold.Runtime.Stores;

/// <summary>Watches the servers of a database: lets a replica take over, repairs replicas, and sets which of them commits wait for.</summary>
/// <remarks>One loop; only repairs run beside it, one a server.</remarks>
internal sealed class ReplicaSet(PostgresDatabase database) : IAsyncDisposable
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly FailoverLimits _limits = database.Plan.Options.Failover;
    private readonly StoreOptions _options = database.Plan.Options;
    private readonly ReplicaNumber _number = new(database);
    private readonly CancellationTokenSource _stop = new();
    private CancellationTokenSource _repairs = new();
    private Task _loop = Task.CompletedTask;
    private DateTimeOffset _markAfter;
    private long? _mark; // what the primary had when it began to wait for the replicas that it waits for

    public void Run() => _loop = RunAsync();

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        await EndRepairsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        _repairs.Dispose();
    }

    /// <summary>Starts a replica, from a copy when it has no data. One that fails is told, and repaired later.</summary>
    public Task FirstStartAsync(PostgresMember replica, CancellationToken cancel) => replica.Node.HasData
        ? TryAsync(replica, "cannot be started", () => StartAsync(replica, cancel), cancel)
        : TryAsync(replica, "cannot be made", () => RemakeAsync(replica, ReplicaAction.Copy, cancel), cancel);

    private async Task RunAsync()
    {
        foreach (var member in database.Members)
        {
            member.Forgive();
        }

        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var start = _options.Time.GetTimestamp();
                await StepAsync(_stop.Token);
                var left = _limits.Every - _options.Time.GetElapsedTime(start);
                await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, _options.Time, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, a database that is no longer watched is worse.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _options.Report($"store {database.Name}: {(IsExpected(e) ? e.Message : e.ToString())}");
                await Task.Delay(_limits.Every, _options.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task StepAsync(CancellationToken cancel)
    {
        await Task.WhenAll(database.Members.Select(member => member.AskAsync(_limits.Every, cancel)));
        var primary = database.Primary;
        foreach (var replica in database.Replicas)
        {
            replica.Compare(primary);
        }

        if (primary.Answers)
        {
            foreach (var replica in database.Replicas.Where(replica => Follower(replica) is { Streams: true }))
            {
                replica.NoteFed();
                replica.Repairs = replica.Repair.IsCompleted ? 0 : replica.Repairs;
            }
        }

        if (primary.View().IsSilent(_limits))
        {
            await _number.StayAsync(cancel);
        }

        var replicas = database.Replicas.ToList();
        var (action, candidates) = FailoverRules.Decide(
            primary.View(), [.. replicas.Where(one => one.IsStarted).Select(one => one.View())], database.Plan.Settings.Synchronous, database.Topology.Synced, _limits);
        if (action == PrimaryAction.Promote)
        {
            await PromoteAsync(primary, candidates, cancel);
            return;
        }

        if (action == PrimaryAction.Restart && primary.PhaseBefore == StorePhase.Ready)
        {
            _options.Report($"store {database.Name}: {primary.Name} has not answered for {_limits.Silence.TotalSeconds:0} s, and no replica may take over without losing what was committed: it is started again");
            primary.Server.Kill();
        }

        if (primary.Answers && database.Plan.Settings.Synchronous)
        {
            await SetSynchronousAsync(primary, cancel);
        }

        foreach (var replica in replicas)
        {
            Attend(replica, primary);
        }

        if (primary.Answers && database.Plan.Settings.Scale is not null)
        {
            await _number.StepAsync(Leave, cancel);
        }
    }

    private void Leave(PostgresMember replica) => replica.Repair = TryAsync(replica, "cannot be ended", () => _number.EndAsync(replica, _repairs.Token), _repairs.Token);

    private void Attend(PostgresMember replica, PostgresMember primary)
    {
        if (!replica.Repair.IsCompleted || replica.LeavingSince is not null)
        {
            return;
        }

        var lost = primary.Probe?.LostSlots.Contains(DatabaseNames.Slot(replica.Index)) == true;
        var view = new ReplicaView(replica.View(), replica.IsStarted, replica.PhaseBefore, replica.Node.HasData, replica.NotFedFor, lost, replica.Repairs);
        var action = FailoverRules.Decide(view, primary.Answers, _limits);
        if (action == ReplicaAction.Restart)
        {
            _options.Report($"store {database.Name}: the replica {replica.Name} has not answered for {_limits.Silence.TotalSeconds:0} s: it is started again");
            replica.Forgive();
            replica.Server.Kill();
        }
        else if (action != ReplicaAction.None && _options.Time.GetUtcNow() >= replica.RetryAt)
        {
            var why = lost ? "the WAL that it needs is gone" : !view.HasData ? "it has no data" : view.IsStarted && view.Phase != StorePhase.CrashLoop ? "it cannot follow" : "it cannot be started";
            _options.Report($"store {database.Name}: replica {replica.Name}: {why}: it is {(action == ReplicaAction.Rewind ? "wound back to where it can follow" : "copied anew")} from {primary.Name}");
            replica.Repair = TryAsync(replica, "cannot be repaired", () => RemakeAsync(replica, action, _repairs.Token), _repairs.Token);
        }
    }

    private async Task PromoteAsync(PostgresMember old, IReadOnlyList<int> candidates, CancellationToken cancel)
    {
        var start = _options.Time.GetTimestamp();
        var seen = old.Probe?.Received;
        var silent = old.View().SilentFor;
        _options.Report($"store {database.Name}: its primary {old.Name} has not answered for {silent.TotalSeconds:0.0} s: it is ended for good, and a replica takes over");
        await EndRepairsAsync();
        // From here on it cannot accept anything, whether it was dead, slow or stopped.
        old.Node.Clear();
        await old.Server.SuspendAsync(kill: true, "replaced as the primary; it comes back as a replica");
        old.Node.Clear();
        old.IsStarted = false;

        // What was on its way to the replicas has arrived now.
        var able = candidates.Select(database.Member).ToList();
        await Task.WhenAll(able.Select(one => one.AskAsync(_limits.Every, cancel)));
        var seeing = able.Where(one => one.Answers).Select(one => one.View()).ToList();
        if (seeing.Count == 0 || (database.Plan.Settings.Synchronous && seeing.Count < able.Count))
        {
            _options.Report($"store {database.Name}: the replica that was to take over does not answer either: {old.Name} is started again");
            old.Forgive();
            await TryAsync(old, "cannot be started", () => StartAsync(old, cancel), cancel);
            return;
        }

        var heir = database.Member(FailoverRules.Best(seeing));
        database.Save(new Topology(heir.Index, database.Topology.Term + 1, []));
        (database.SynchronousNames, _mark) = ([], null);
        heir.Forgive();
        await heir.Admin.BecomePrimaryAsync(cancel);
        await ConfigureAsync(heir, cancel);
        _options.Report(
            $"store {database.Name}: {heir.Name} is the primary now, {(silent + _options.Time.GetElapsedTime(start)).TotalSeconds:0.0} s after {old.Name} last answered; "
            + (database.Plan.Settings.Synchronous ? "nothing that was committed is lost" : $"of the WAL that {old.Name} is known to have had, {Math.Max(0, (seen ?? 0) - heir.View().Received)} bytes are missing; what it wrote after that is counted when it is back"));
        await heir.Admin.KeepSlotsAsync(database.Replicas.Select(one => one.Index), cancel);
        foreach (var other in database.Replicas.Where(one => one.IsStarted))
        {
            other.Forgive();
            await ConfigureAsync(other, cancel);
        }

        old.Repair = TryAsync(old, "cannot come back", () => ReturnAsync(old, heir, _repairs.Token), _repairs.Token);
    }

    // A former primary: what only it has is counted, then dropped.
    private async Task ReturnAsync(PostgresMember old, PostgresMember heir, CancellationToken cancel)
    {
        var lost = await new ReplicaCopy(old.Node, heir.Node, _options).LostAsync(cancel);
        var one = lost.Transactions == 1;
        var what = $"{lost.Transactions} transaction{(one ? "" : "s")} ({lost.Bytes} bytes of WAL) that {old.Name} had committed and {heir.Name} had not received {(one ? "was" : "were")}";
        _options.Report($"store {database.Name}: " + (lost.Transactions, database.Plan.Settings.Synchronous) switch
        {
            (0, _) => $"no transaction was lost when {heir.Name} took over from {old.Name}",
            (_, true) => $"{what} dropped when it took over: none of them had been answered",
            _ => $"{what} lost when it took over",
        });
        await RemakeAsync(old, ReplicaAction.Rewind, cancel);
    }

    private async Task RemakeAsync(PostgresMember replica, ReplicaAction how, CancellationToken cancel)
    {
        replica.Repairs++;
        var primary = database.Primary;
        await replica.Server.SuspendAsync(kill: !replica.Answers, how == ReplicaAction.Rewind ? $"being wound back to {primary.Name}" : $"being copied from {primary.Name}");
        replica.IsStarted = false;
        var copy = new ReplicaCopy(replica.Node, primary.Node, _options);
        await (how == ReplicaAction.Rewind ? copy.RewindAsync(cancel) : copy.MakeAsync(cancel));
        await StartAsync(replica, cancel);
        _options.Report($"store {database.Name}: {replica.Name} is a replica of {primary.Name}");
    }

    private static async Task StartAsync(PostgresMember member, CancellationToken cancel)
    {
        await member.Server.StartAsync(cancel, keepPort: true);
        member.IsStarted = true;
        member.Forgive();
    }

    private async Task TryAsync(PostgresMember member, string what, Func<Task> act, CancellationToken cancel)
    {
        try
        {
            await act();
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            member.Server.Show(StorePhase.Starting, "its repair was interrupted");
        }
        catch (Exception e) when (IsExpected(e))
        {
            member.Repairs = Math.Max(1, member.Repairs);
            var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Math.Min(member.Repairs, 10))));
            member.RetryAt = _options.Time.GetUtcNow() + pause;
            var reason = $"{what}: {e.Message}; tried again in {pause.TotalSeconds:0} s";
            member.Server.Show(StorePhase.Restarting, reason);
            _options.Report($"store {database.Name}: {member.Name} {reason}");
        }
    }

    private async Task SetSynchronousAsync(PostgresMember primary, CancellationToken cancel)
    {
        var wanted = database.Replicas.Where(one => one.LeavingSince is null && one.IsFed(_limits.Silence) && !one.View().IsSilent(_limits)).Select(one => one.Index).ToList();
        var names = database.SynchronousNames;
        if (_mark is null && _options.Time.GetUtcNow() >= _markAfter)
        {
            _mark = primary.Probe!.Received;
        }

        var caughtUp = _mark is { } mark && names.All(index => Follower(database.Member(index)) is { Synchronous: true } follower && follower.Flushed >= mark);
        var step = SynchronousRule.Next(wanted, names, database.Topology.Synced, caughtUp);
        if (step.Record is { } record)
        {
            database.Save(database.Topology with { Synced = record });
        }

        if (step.Names is { } next)
        {
            database.SynchronousNames = next;
            (_mark, _markAfter) = (null, _options.Time.GetUtcNow() + _limits.Every); // the server takes it over meanwhile
            await ConfigureAsync(primary, cancel);
            _options.Report(next.Count == 0
                ? $"store {database.Name}: no replica is left that commits could wait for: they are answered without one until a replica is back, and no replica takes over meanwhile"
                : $"store {database.Name}: commits wait for {(next.Count == 1 ? "" : "one of ")}{string.Join(", ", next.Select(index => database.Member(index).Name))}");
        }
    }

    private Follower? Follower(PostgresMember replica) => database.Primary.Probe?.Followers.FirstOrDefault(one => one.Name == replica.Name);

    private static async Task ConfigureAsync(PostgresMember member, CancellationToken cancel)
    {
        member.Node.Configure();
        await member.Admin.ReloadAsync(cancel);
    }

    private async Task EndRepairsAsync()
    {
        await _repairs.CancelAsync();
        await Task.WhenAll(database.Members.Select(member => member.Repair));
        _repairs.Dispose();
        _repairs = new CancellationTokenSource();
    }

    private static bool IsExpected(Exception e) => e is RuntimeException or NpgsqlException or IOException or UnauthorizedAccessException or TimeoutException;
}
