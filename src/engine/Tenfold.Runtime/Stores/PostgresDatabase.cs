using System.Globalization;
using Npgsql;

namespace Tenfold.Runtime.Stores;

/// <summary>One database of a store: a primary and its replicas, whichever servers these are now.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private static readonly TimeSpan FollowLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReplaceLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FollowPoll = TimeSpan.FromMilliseconds(50);

    private readonly PostgresPlan _plan;
    private readonly string _topologyFile;
    private PostgresMember[] _all = [];              // those that may be needed, each with a port of its own
    private volatile PostgresMember[] _members = []; // those that are in use
    private ReplicaSet? _set;
    private volatile int _wantedReplicas;

    public PostgresDatabase(PostgresPlan plan)
    {
        _plan = plan;
        _topologyFile = Path.Combine(plan.State.Store(plan.Name), "topology.json");
        Topology = Topology.Read(_topologyFile) ?? Topology.First;
        SynchronousNames = plan.Settings.Synchronous ? Topology.Synced : [];
    }

    public string Name => _plan.Name;

    public PostgresPlan Plan => _plan;

    public IReadOnlyList<PostgresMember> Members => _members;

    /// <summary>Replicas that there are to be: those that come included, those that leave not. The database's own loop sees to it. Thread-safe.</summary>
    public int WantedReplicas
    {
        get => _wantedReplicas;
        set => _wantedReplicas = Math.Clamp(value, 1, _plan.Settings.MostReplicas);
    }

    public Topology Topology { get; private set; }

    /// <summary>Replicas of which one must have each commit, as the primary's configuration says.</summary>
    public IReadOnlyList<int> SynchronousNames { get; set; }

    public PostgresMember Primary => Member(Topology.Primary);

    public IEnumerable<PostgresMember> Replicas => _members.Where(member => member.Index != Topology.Primary);

    /// <summary>
    /// Npgsql's key-values of the system's role, with the pool's sizes. One server: over its socket. Several: all of them, over TCP,
    /// the present primary first. Whoever uses it asks each one for its role: a failover changes these. Where replicas come and go,
    /// those that may come are named, too: they answer once they are there.
    /// </summary>
    public string ConnectionString => StringOf([.. _members, .. _all.Except(_members)]);

    /// <summary>As <see cref="ConnectionString"/>, with the servers that there are now only.</summary>
    public string PresentConnectionString => StringOf(_members);

    /// <summary>Finds the programs, makes the folders, and sees to it that the primary has data.</summary>
    /// <exception cref="RuntimeException">The machine lacks something, or the data cannot be used.</exception>
    public async Task PrepareAsync(CancellationToken cancel)
    {
        // The primary, and the first of the others: with fewer replicas than before it is not the primary that goes.
        var (first, most) = (_plan.Settings.Replicas, _plan.Settings.MostReplicas);
        var others = Enumerable.Range(0, most + 1).Where(index => index != Topology.Primary).Take(most).ToList();
        _all = [.. others.Append(Topology.Primary).Order().Select(index => new PostgresMember(_plan, index, RoleOf))];
        _members = [.. _all.Where(member => others.IndexOf(member.Index) < first)];
        _wantedReplicas = first;
        SynchronousNames = [.. SynchronousNames.Where(index => _members.Any(member => member.Index == index))];
        foreach (var member in _all)
        {
            await member.Node.PrepareAsync(cancel);
        }

        if (!Primary.Node.HasData && Replicas.FirstOrDefault(replica => replica.Node.HasData) is { } heir)
        {
            _plan.Options.Report($"store {Name}: the data of its primary {Primary.Name} is gone; {heir.Name} has a copy and takes over");
            Save(new Topology(heir.Index, Topology.Term + 1, []));
            SynchronousNames = [];
        }

        await Primary.Node.EnsureClusterAsync(cancel);
    }

    /// <summary>Starts all servers; returns when the primary answers and the replicas do, or have failed: these are repaired later on.</summary>
    /// <exception cref="RuntimeException">The primary does not come up.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        ChoosePorts();
        var failure = await StartPrimaryAsync(cancel);
        if (_members.Length == 1)
        {
            return;
        }

        if (!File.Exists(_topologyFile))
        {
            Save(Topology);
        }

        _set = new ReplicaSet(this);
        await Task.WhenAll(Replicas.Select(replica => _set.FirstStartAsync(replica, cancel)));
        _set.Run();
        if (failure is not null)
        {
            await UntilReplacedAsync(failure, cancel);
        }

        await UntilFollowingAsync(cancel);
    }

    public IReadOnlyList<StoreStatus> Status() => [.. _members.Select(member => member.Status(Primary, _members.Length == 1))];

    public PostgresMember Member(int index) => _members.First(member => member.Index == index);

    /// <summary>Takes one more server in; it has no data yet. By the loop of the set only.</summary>
    /// <returns>It; null when there are all that may be.</returns>
    public PostgresMember? Add()
    {
        var added = _all.Except(_members).FirstOrDefault();
        if (added is not null)
        {
            added.Node.DeleteData(); // of another time, when it was one of them
            (added.LeavingSince, added.HasLeft, added.Repairs, added.RetryAt) = (null, false, 0, default);
            added.Forgive();
            _members = [.. _members.Append(added).OrderBy(member => member.Index)];
        }

        return added;
    }

    /// <summary>It has left. By the loop of the set only.</summary>
    public void Remove(PostgresMember member) => _members = [.. _members.Where(one => one != member)];

    /// <summary>Writes down who is what; before anything is done that needs it.</summary>
    public void Save(Topology topology)
    {
        topology.Write(_topologyFile);
        Topology = topology;
    }

    /// <summary>Stops the primary first, so that the replicas get all that it has.</summary>
    public async Task StopAsync()
    {
        if (_set is not null)
        {
            await _set.StopAsync();
        }

        if (_members.Length > 0)
        {
            await Primary.Server.StopAsync();
            await Task.WhenAll(Replicas.Select(replica => replica.Server.StopAsync()));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var member in _all)
        {
            await member.DisposeAsync();
        }
    }

    // One port may be found twice while nobody listens on it yet.
    private void ChoosePorts()
    {
        var taken = new HashSet<int>();
        foreach (var member in _all)
        {
            member.Node.ChoosePort();
            while (!taken.Add(member.Node.Port))
            {
                File.Delete(member.Node.Folder.PortFile);
                member.Node.ChoosePort();
            }
        }
    }

    private NodeRole RoleOf(int index) => new(
        DatabaseNames.Node(Name, index),
        DatabaseNames.Slot(index),
        index == Topology.Primary ? null : Primary.Node.Address,
        index == Topology.Primary ? [.. SynchronousNames.Select(replica => DatabaseNames.Node(Name, replica))] : [],
        index == Topology.Primary ? [.. Replicas.Select(replica => replica.Index)] : [],
        index != Topology.Primary && _all.Any(member => member.Index == index && member.LeavingSince is not null));

    /// <returns>Why it cannot be started, when replicas have all that it has answered, and so one may take over; else null.</returns>
    /// <exception cref="RuntimeException">It cannot be started, and is not to be replaced without being asked for.</exception>
    private async Task<RuntimeException?> StartPrimaryAsync(CancellationToken cancel)
    {
        var primary = Primary;
        try
        {
            await primary.Server.StartAsync(cancel);
            primary.IsStarted = true;
            return null;
        }
        catch (RuntimeException e) when (_plan.Settings.Synchronous && Topology.Synced.Count > 0 && Topology.Synced.All(index => Member(index).Node.HasData))
        {
            _plan.Options.Report($"store {Name}: {primary.Name} cannot be started: {e.Message}\nits replicas have every commit that was answered: one of them takes over");
            return e;
        }
        catch (RuntimeException e) when (Replicas.FirstOrDefault(replica => replica.Node.HasData) is { } copy)
        {
            throw new RuntimeException(
                e.Failure,
                $"{e.Message}\n{copy.Name} has a copy, which may lack the last commits. To go on with that one, move {primary.Node.Folder.Data} away and start again",
                e);
        }
    }

    private async Task UntilReplacedAsync(RuntimeException failure, CancellationToken cancel)
    {
        var (start, failed) = (_plan.Options.Time.GetTimestamp(), Topology.Primary);
        while (Topology.Primary == failed || !Primary.Answers || Primary.Probe is not { IsPrimary: true })
        {
            if (_plan.Options.Time.GetElapsedTime(start) > ReplaceLimit)
            {
                throw failure;
            }

            await Task.Delay(FollowPoll, _plan.Options.Time, cancel);
        }
    }

    private async Task UntilFollowingAsync(CancellationToken cancel)
    {
        var start = _plan.Options.Time.GetTimestamp();
        while (Replicas.Any(replica => replica.IsStarted && !replica.IsFed(FollowLimit)) && _plan.Options.Time.GetElapsedTime(start) < FollowLimit)
        {
            await Task.Delay(FollowPoll, _plan.Options.Time, cancel);
        }
    }

    private string StringOf(IReadOnlyList<PostgresMember> servers)
    {
        // No more than the servers take, whatever the guide says: the host has told when that is less.
        var most = ConnectionBudget.Of(_plan.Guide, _plan.Settings, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes).Pool;
        var text = new NpgsqlConnectionStringBuilder
        {
            Host = _all.Length == 1 ? Primary.Node.Address.Socket : string.Join(',', servers.Where(server => server != Primary).Prepend(Primary).Select(server => $"127.0.0.1:{server.Node.Port.ToString(CultureInfo.InvariantCulture)}")),
            Database = _plan.Guide.System,
            Username = _plan.Guide.System,
            Password = _plan.Password.Value,
            MinPoolSize = Math.Min(_plan.Settings.Connections!.Min, most),
            MaxPoolSize = most,
        };
        if (_all.Length == 1)
        {
            text.Port = Primary.Node.Port;
        }

        return text.ConnectionString;
    }
}
