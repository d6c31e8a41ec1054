using System.Globalization;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Packages;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>What the servers of one database share.</summary>
/// <param name="Store">The store's name in the guide.</param>
/// <param name="Number">The database's number in it, from 0.</param>
/// <param name="Guide">The system.</param>
/// <param name="State">Its state folder.</param>
/// <param name="Password">Of the role that owns the database; the same in all databases of a store.</param>
/// <param name="Options">How stores are run.</param>
internal sealed record PostgresPlan(string Store, int Number, SystemGuide Guide, SystemState State, Lazy<string> Password, StoreOptions Options)
{
    /// <summary>The database's name, which is that of its first server, too.</summary>
    public string Name => DatabaseNames.Database(Store, Number);

    public Store Settings => Guide.Stores[Store];
}

/// <summary>One private PostgreSQL server: the primary of a database of a store, or one of its replicas.</summary>
internal sealed class PostgresNode(PostgresPlan plan, int index, Func<int, NodeRole> roleOf) : IStoreServer
{
    private readonly StoreOptions _options = plan.Options;
    private readonly long _machineMemory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    private StoreFolder? _folder;
    private SystemUser? _owner;
    private PostgresPrograms? _programs;
    private PostgresCluster? _cluster;
    private ServerFloors _floors = new(0, 0, 0);
    private volatile Cgroup? _group;
    private bool _toldUnlimited;

    public string Name { get; } = DatabaseNames.Node(plan.Name, index);

    /// <summary>Its place among the servers of its database.</summary>
    public int Index => index;

    public StoreEngine Engine => StoreEngine.Postgres;

    public int Port { get; private set; }

    public StoreFolder Folder => _folder!;

    public SystemUser? Owner => _owner;

    public PostgresPrograms Programs => _programs!;

    public ServerAddress Address => new(Folder.Socket, Port);

    /// <summary>Whether there is a complete cluster.</summary>
    public bool HasData => _cluster!.Version is not null;

    /// <summary>Present in the data of a server that must come up as a standby.</summary>
    public string StandbySignal => Path.Combine(Folder.Data, "standby.signal");

    /// <summary>The server's configuration, as it was last written.</summary>
    public string ConfigurationFile => Path.Combine(Folder.Root, "postgresql.conf");

    /// <summary>
    /// Npgsql's key-values of the superuser, over the socket. Its commits do not wait for a replica: it must be able to work while
    /// there is none.
    /// </summary>
    public string AdminString(string database = "postgres") => new NpgsqlConnectionStringBuilder
    {
        Host = Folder.Socket,
        Port = Port,
        Database = database,
        Username = PostgresSettings.Admin,
        Options = "-c synchronous_commit=local",
        ApplicationName = "tenfold",
    }.ConnectionString;

    /// <summary>Finds the programs and makes the folders.</summary>
    /// <exception cref="RuntimeException">The machine lacks something.</exception>
    public async Task PrepareAsync(CancellationToken cancel)
    {
        var made = new StoreFolder(Name, plan.State, owner: null);
        _programs = await new ServerPackages(_options.Report, _options.Time).PostgresAsync(new PostgresCluster(Name, made, null, _options).Version, cancel);
        _owner = ServerUser.For("postgres");
        _folder = new StoreFolder(Name, plan.State, _owner);
        _folder.Create();
        _cluster = new PostgresCluster(Name, _folder, _owner, _options);
        _cluster.CheckOwner();
    }

    /// <summary>Makes an empty cluster unless there is one.</summary>
    /// <exception cref="RuntimeException">It cannot be made or used.</exception>
    public Task EnsureClusterAsync(CancellationToken cancel) => _cluster!.EnsureAsync(_programs!, cancel);

    public void ChoosePort() => Port = RememberedPort.Choose(Folder.PortFile, _options.Random, _options.Report);

    public async Task<ProcessSpec> BeforeStartAsync(CancellationToken cancel)
    {
        Clear();
        Folder.Create();
        var role = roleOf(index);
        if (role.Follows is not null)
        {
            MarkAsStandby();
        }

        _floors = role.Follows is null ? new ServerFloors(0, 0, 0) : await FloorsAsync(cancel);
        await LimitAsync(cancel);
        return new ProcessSpec
        {
            Name = Name,
            FileName = _programs!.Server,
            Arguments = ["-D", Folder.Data, "-c", $"config_file={Configure()}"],
            WorkingDirectory = Folder.Root,
            InheritEnvironment = false,
            RunAs = _owner,
            Cgroup = _group,
            // A fast shutdown: clients are cut off, nothing is lost. Its backends are told by the postmaster itself.
            StopSignal = Signal.Interrupt,
            FirmSignal = Signal.Quit, // immediate shutdown: recovers at the next start
            SignalGroup = false,
        };
    }

    /// <summary>Writes the configuration files and returns the main one. A running server takes them over with <c>pg_reload_conf()</c>.</summary>
    public string Configure()
    {
        var places = new PostgresPlaces(
            $"{plan.Guide.System}/{Name}",
            Folder.Data,
            Folder.Socket,
            Folder.Configure("pg_hba.conf", PostgresSettings.Access),
            Folder.Configure("pg_ident.conf", PostgresSettings.Identities(Environment.UserName, _owner?.Name ?? Environment.UserName)));
        var connections = Math.Max(ConnectionBudget.Of(plan.Guide, plan.Settings, _machineMemory).Granted, _floors.Connections);
        return Folder.Configure(
            "postgresql.conf",
            PostgresSettings.Server(places, Port, connections, plan.Settings.MemoryLimit.Bytes, _machineMemory, _options.Durable, _programs!.CanCountQueries)
            + (plan.Settings.MostReplicas > 0 ? "full_page_writes = 'on'\n" : "") // without it there is no pg_rewind
            + PostgresSettings.Replication(roleOf(index), _floors, DiskSpace.Free(Folder.Root) ?? 0));
    }

    /// <summary>Processor time that the server has used since its start; null when its control group does not tell.</summary>
    public TimeSpan? CpuTime => _group?.Usage().CpuTime is { Ticks: > 0 } used ? used : null;

    /// <summary>Removes its control group; the server does not run.</summary>
    public async Task RemoveGroupAsync()
    {
        if (_group is { } group)
        {
            _group = null;
            await group.RemoveAsync(_options.Time, CancellationToken.None);
        }
    }

    /// <summary>Deletes its data: a copy of what the primary has.</summary>
    /// <exception cref="RuntimeException">It cannot be deleted.</exception>
    public void DeleteData()
    {
        if (Directory.Exists(Folder.Data))
        {
            StateFolder.Guarded(Folder.Data, () => Directory.Delete(Folder.Data, recursive: true));
        }
    }

    /// <summary>After a crash, or when it must be gone for sure: ends every process that works in its data.</summary>
    public void Clear() => _cluster!.Clear();

    /// <summary>From its next start on it is a standby.</summary>
    public void MarkAsStandby()
    {
        if (!File.Exists(StandbySignal))
        {
            StateFolder.Guarded(StandbySignal, () => File.WriteAllText(StandbySignal, ""));
            Folder.Give(StandbySignal);
        }
    }

    public bool SaysReady(string line) => line.Contains("database system is ready to accept ", StringComparison.Ordinal);

    /// <summary>Makes the primary one, with role, database and slots; clears a standby of slots that are of no use there.</summary>
    public async Task AfterStartAsync(CancellationToken cancel)
    {
        try
        {
            var admin = new PostgresAdmin(this);
            var role = roleOf(index);
            if (role.Follows is null)
            {
                await admin.BecomePrimaryAsync(cancel);
                await admin.KeepSlotsAsync(role.Followers, cancel);
                await admin.SetUpAsync(plan.Guide.System, plan.Password.Value, cancel);
                if (_programs!.CanCountQueries)
                {
                    await admin.CountQueriesAsync(cancel);
                }
            }
            else
            {
                await admin.DropSlotsAsync(cancel);
            }
        }
        catch (NpgsqlException e)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"store {Name}: PostgreSQL has started, but its database '{plan.Guide.System}' cannot be set up: {e.Message}", e);
        }
    }

    /// <summary>Runs one of PostgreSQL's programs as the server's user; it must exit with 0.</summary>
    /// <returns>Its lines.</returns>
    /// <exception cref="RuntimeException">It failed; the message holds its last lines.</exception>
    public async Task<IReadOnlyList<string>> RunToolAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel, bool mayFail = false)
    {
        var lines = new List<string>();
        var code = await Tool.RunAsync(
            new ProcessSpec
            {
                Name = $"{program} of {Name}",
                FileName = _programs!.Program(program),
                Arguments = arguments,
                WorkingDirectory = Folder.Root,
                InheritEnvironment = false,
                RunAs = _owner,
            },
            lines.Add,
            _options.Time,
            cancel,
            Folder.State);
        if (code != 0 && !mayFail)
        {
            var full = DiskSpace.IsBlamed(lines);
            throw new RuntimeException(
                full ? RuntimeFailure.Machine : RuntimeFailure.Failed,
                full ? $"the disk of {Folder.Root} is full" : $"{program} ended with exit code {code}: {string.Join("\n  ", lines.TakeLast(5))}");
        }

        return lines;
    }

    // The group of the last run is replaced, so that what it used is counted from 0.
    private async Task LimitAsync(CancellationToken cancel)
    {
        if (plan.Settings.Cpu is not { } cpu)
        {
            return;
        }

        var made = await Cgroup.TryCreateAsync(plan.State, Name, new InstanceSize { Cpu = cpu }, _options.Time, cancel);
        _group = made.Group;
        if (made.Group is null && !_toldUnlimited)
        {
            _toldUnlimited = true;
            _options.Report($"store {Name}: its limit of {cpu} cpu cannot be held here: {made.Reason}");
        }
    }

    /// <summary>What its primary had when it wrote the WAL that is to be replayed.</summary>
    private async Task<ServerFloors> FloorsAsync(CancellationToken cancel)
    {
        var lines = await RunToolAsync("pg_controldata", ["-D", Folder.Data], cancel, mayFail: true);
        return new ServerFloors(Setting("max_connections"), Setting("max_wal_senders"), Setting("max_worker_processes"));

        int Setting(string key) => lines.FirstOrDefault(line => line.StartsWith(key + " setting:", StringComparison.Ordinal)) is { } line
            && int.TryParse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
    }
}
