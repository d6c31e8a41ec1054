using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Packages;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>A private PostgreSQL: one database, named after the system, that belongs to a role of the same name.</summary>
internal sealed class PostgresStore : IStoreServer
{
    private readonly SystemGuide _guide;
    private readonly Store _store;
    private readonly SystemState _state;
    private readonly StoreOptions _options;
    private readonly long _machineMemory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    private StoreFolder? _folder;
    private SystemUser? _owner;
    private PostgresPrograms? _programs;
    private PostgresCluster? _cluster;
    private string _password = "";

    public PostgresStore(string name, SystemGuide guide, SystemState state, StoreOptions options) =>
        (Name, _guide, _store, _state, _options) = (name, guide, guide.Stores[name], state, options);

    public string Name { get; }

    public StoreEngine Engine => StoreEngine.Postgres;

    public int Port { get; private set; }

    public string ConnectionString
    {
        get
        {
            var pool = _store.Connections!;
            return new NpgsqlConnectionStringBuilder
            {
                Host = _folder!.Socket,
                Port = Port,
                Database = _guide.System,
                Username = _guide.System,
                Password = _password,
                MinPoolSize = pool.Min,
                MaxPoolSize = pool.Max,
            }.ConnectionString;
        }
    }

    public async Task PrepareAsync(CancellationToken cancel)
    {
        var made = new StoreFolder(Name, _state, owner: null);
        _programs = await new ServerPackages(_options.Report, _options.Time).PostgresAsync(new PostgresCluster(Name, made, null, _options).Version, cancel);
        _owner = ServerUser.For("postgres");
        _folder = new StoreFolder(Name, _state, _owner);
        _folder.Create();
        _cluster = new PostgresCluster(Name, _folder, _owner, _options);
        await _cluster.EnsureAsync(_programs, cancel);
        _password = _folder.Secret("password");
        if (ConnectionBudget.Of(_guide, _store, _machineMemory).Warning(Name) is { } warning)
        {
            _options.Report(warning);
        }
    }

    public void ChoosePort() => Port = RememberedPort.Choose(_folder!.PortFile, _options.Random, _options.Report);

    public ProcessSpec BeforeStart()
    {
        _cluster!.Clear();
        _folder!.Create();
        var places = new PostgresPlaces(
            $"{_guide.System}/{Name}",
            _folder.Data,
            _folder.Socket,
            _folder.Configure("pg_hba.conf", PostgresSettings.Access),
            _folder.Configure("pg_ident.conf", PostgresSettings.Identities(Environment.UserName)));
        var file = _folder.Configure("postgresql.conf", PostgresSettings.Server(
            places,
            Port,
            ConnectionBudget.Of(_guide, _store, _machineMemory).Granted,
            _store.MemoryLimit.Bytes,
            _machineMemory,
            _options.Durable));
        return new ProcessSpec
        {
            Name = Name,
            FileName = _programs!.Server,
            Arguments = ["-D", _folder.Data, "-c", $"config_file={file}"],
            WorkingDirectory = _folder.Root,
            InheritEnvironment = false,
            RunAs = _owner,
            // A fast shutdown: clients are cut off, nothing is lost. Its backends are told by the postmaster itself.
            StopSignal = Signal.Interrupt,
            FirmSignal = Signal.Quit, // immediate shutdown: recovers at the next start
            SignalGroup = false,
        };
    }

    public bool SaysReady(string line) => line.Contains("database system is ready to accept connections", StringComparison.Ordinal);

    /// <summary>Makes the role and the database unless they are there; sets the password to the one in the state folder.</summary>
    public async Task AfterStartAsync(CancellationToken cancel)
    {
        try
        {
            await SetUpAsync(cancel);
        }
        catch (NpgsqlException e)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"store {Name}: PostgreSQL has started, but its database '{_guide.System}' cannot be set up: {e.Message}", e);
        }
    }

    private async Task SetUpAsync(CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = _folder!.Socket,
            Port = Port,
            Database = "postgres",
            Username = PostgresSettings.Admin,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync(cancel);
        var role = '"' + _guide.System + '"'; // letters, digits and dashes only
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)") { Parameters = { new() { Value = _guide.System } } },
                new("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)") { Parameters = { new() { Value = _guide.System } } },
            },
        };
        bool roleExists, databaseExists;
        await using (var reader = await batch.ExecuteReaderAsync(cancel))
        {
            await reader.ReadAsync(cancel);
            roleExists = reader.GetBoolean(0);
            await reader.NextResultAsync(cancel);
            await reader.ReadAsync(cancel);
            databaseExists = reader.GetBoolean(0);
        }

        await RunAsync($"{(roleExists ? "ALTER" : "CREATE")} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{_password}'");
        if (!databaseExists)
        {
            await RunAsync($"CREATE DATABASE {role} OWNER {role}");
        }

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(cancel);
        }
    }
}
