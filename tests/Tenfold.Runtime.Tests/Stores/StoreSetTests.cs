using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class StoreSetTests
{
    private static readonly SystemGuide Guide = new()
    {
        System = "probe-1",
        Services = new Dictionary<string, Service> { ["api"] = new() { Command = ["x"], Scale = new Scale { Min = 2, Max = 20 } } },
        Stores = new Dictionary<string, Store>
        {
            ["main"] = new() { Engine = StoreEngine.Postgres, Pool = new Pool { Min = 1, Max = 7 }, Memory = ByteSize.FromMebibytes(32) },
            ["cache"] = new() { Engine = StoreEngine.Redis, Memory = ByteSize.FromMebibytes(16) },
        },
    };

    private static readonly SystemGuide OnlyPostgres = Guide with { Stores = Guide.Stores.Where(one => one.Key == "main").ToDictionary() };
    private static readonly SystemGuide OnlyRedis = Guide with { Stores = Guide.Stores.Where(one => one.Key == "cache").ToDictionary() };

    private readonly ConcurrentQueue<string> _reports = new();

    [Fact]
    public async Task Both_servers_run_privately_never_as_root_and_keep_their_data_between_runs()
    {
        await using var temporary = new TemporaryState();
        int port;
        await using (var stores = await StartAsync(Guide, temporary))
        {
            Assert.All(stores.Status(), store => Assert.True(store.IsReady, store.Reason));
            foreach (var store in stores.Status())
            {
                Assert.NotEqual("0", await OwnerAsync(store.Pid!.Value));
            }

            await QueryAsync(stores, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (42); CREATE EXTENSION pg_trgm");
            Assert.Equal("+OK", await RedisAsync(stores, "SET kept 42"));
            port = stores.Status()[0].Port;
        }

        Assert.DoesNotContain(ProcessTable.All(), row => StoreServers.StoreOf(row, temporary.State) is not null);
        await using (var stores = await StartAsync(Guide, temporary))
        {
            Assert.Equal(42, await QueryAsync(stores, "SELECT x FROM kept"));
            Assert.Equal("$2\r\n42", await RedisAsync(stores, "GET kept"));
            Assert.Equal(port, stores.Status()[0].Port);
        }
    }

    [Fact]
    public async Task The_database_belongs_to_a_role_that_is_no_superuser_and_needs_its_password()
    {
        await using var temporary = new TemporaryState();
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        Assert.Equal("probe-1|f|f", await QueryAsync(stores, """
            SELECT concat_ws('|', current_database(), rolsuper, rolcreaterole) FROM pg_roles WHERE rolname = current_user
            """));
        Assert.Equal("178|32MB|on|off|C.UTF-8", await QueryAsync(stores, """
            SELECT concat_ws('|', current_setting('max_connections'), current_setting('shared_buffers'), current_setting('data_checksums'), current_setting('jit'), datctype) FROM pg_database WHERE datname = current_database()
            """));
        var pool = new NpgsqlConnectionStringBuilder(stores.ConnectionString("main"));
        Assert.Equal((1, 7), (pool.MinPoolSize, pool.MaxPoolSize));

        // Also over TCP, and never without the password; the superuser not at all.
        pool.Host = "127.0.0.1";
        await using (var tcp = new NpgsqlConnection(pool.ConnectionString))
        {
            await tcp.OpenAsync();
        }

        pool.Password = "wrong";
        await using var wrong = new NpgsqlConnection(pool.ConnectionString);
        Assert.Equal(PostgresErrorCodes.InvalidPassword, (await Assert.ThrowsAsync<PostgresException>(() => wrong.OpenAsync())).SqlState);
        pool.Username = PostgresSettings.Admin;
        await using var admin = new NpgsqlConnection(pool.ConnectionString);
        Assert.Equal(PostgresErrorCodes.InvalidAuthorizationSpecification, (await Assert.ThrowsAsync<PostgresException>(() => admin.OpenAsync())).SqlState);
    }

    [Fact]
    public async Task A_killed_PostgreSQL_comes_back_with_what_was_committed_at_the_same_address()
    {
        await using var temporary = new TemporaryState();
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        await QueryAsync(stores, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)");
        await using var busy = new NpgsqlConnection(stores.ConnectionString("main"));
        await busy.OpenAsync();
        // A backend that does not notice for itself that its postmaster is gone.
        var running = new NpgsqlCommand("SELECT count(*) FROM generate_series(1, 10000000000)", busy).ExecuteScalarAsync();

        var before = stores.Status()[0];
        Assert.True(ProcessIdentity.Of(before.Pid!.Value)!.Signal(Signal.Kill));
        await Limits.UntilAsync(() => stores.Status()[0] is { IsReady: true, Restarts: > 0 }, "PostgreSQL to be ready again");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => running);

        Assert.Equal(before.Port, stores.Status()[0].Port);
        Assert.NotEqual(before.Pid, stores.Status()[0].Pid);
        Assert.Equal(7, await QueryAsync(stores, "SELECT x FROM kept"));
        Assert.Contains(_reports, line => line.Contains("(killed)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_killed_Redis_comes_back_with_its_keys()
    {
        await using var temporary = new TemporaryState();
        await using var stores = await StartAsync(OnlyRedis, temporary, durable: true);
        Assert.Equal("+OK", await RedisAsync(stores, "SET kept 7"));
        Assert.True(ProcessIdentity.Of(stores.Status()[0].Pid!.Value)!.Signal(Signal.Kill));
        await Limits.UntilAsync(() => stores.Status()[0] is { IsReady: true, Restarts: > 0 }, "Redis to be ready again");
        Assert.Equal("$1\r\n7", await RedisAsync(stores, "GET kept"));
        Assert.Equal("*2\r\n$16\r\nmaxmemory-policy\r\n$12\r\nvolatile-lfu", await RedisAsync(stores, "CONFIG GET maxmemory-policy"));
        Assert.StartsWith("-NOAUTH", await RedisAsync(stores, "GET kept", password: false), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_start_again_is_a_crash_loop_with_its_last_lines_and_comes_back_when_it_can()
    {
        await using var temporary = new TemporaryState();
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        var control = Path.Combine(temporary.State.Store("main"), "data", "global", "pg_control");
        File.Move(control, control + ".away");
        ProcessIdentity.Of(stores.Status()[0].Pid!.Value)!.Signal(Signal.Kill);
        await Limits.UntilAsync(() => stores.Status()[0].Phase == StorePhase.CrashLoop, "the crash loop to be noticed");
        Assert.Contains("global/pg_control", stores.Status()[0].Reason, StringComparison.Ordinal);
        File.Move(control + ".away", control);
        await Limits.UntilAsync(() => stores.Status()[0].IsReady, "PostgreSQL to be ready again");
    }

    [Fact]
    public async Task A_half_made_cluster_is_made_again()
    {
        await using var temporary = new TemporaryState();
        // initdb was killed: its folder has the temporary name.
        var store = temporary.State.Store("main");
        Directory.CreateDirectory(Path.Combine(store, "data.new", "base"));
        await File.WriteAllTextAsync(Path.Combine(store, "data.new", "PG_VERSION"), "15\n");
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        Assert.Equal(1, await QueryAsync(stores, "SELECT 1"));
        Assert.False(Directory.Exists(Path.Combine(store, "data.new")));
    }

    [Fact]
    public async Task An_incomplete_cluster_under_the_real_name_is_set_aside_and_kept()
    {
        await using var temporary = new TemporaryState();
        var store = temporary.State.Store("main");
        Directory.CreateDirectory(Path.Combine(store, "data", "base"));
        await File.WriteAllTextAsync(Path.Combine(store, "data", "base", "precious"), "x");
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        var aside = Assert.Single(Directory.GetDirectories(store, "data.broken-*"));
        Assert.True(File.Exists(Path.Combine(aside, "base", "precious")));
        Assert.Contains(_reports, line => line.Contains(aside, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stale_pid_file_whose_number_is_in_use_does_not_keep_PostgreSQL_from_starting()
    {
        await using var temporary = new TemporaryState();
        await (await StartAsync(OnlyPostgres, temporary)).DisposeAsync();
        await File.WriteAllTextAsync(
            Path.Combine(temporary.State.Store("main"), "data", "postmaster.pid"),
            $"{Environment.ProcessId}\n{temporary.State.Store("main")}/data\n1700000000\n5432\n/tmp\n127.0.0.1\n 1 1\nready\n");
        await using var stores = await StartAsync(OnlyPostgres, temporary);
        Assert.Equal(1, await QueryAsync(stores, "SELECT 1"));
    }

    [Fact]
    public async Task A_taken_port_is_exchanged_for_a_free_one()
    {
        await using var temporary = new TemporaryState();
        int port;
        await using (var stores = await StartAsync(OnlyRedis, temporary))
        {
            port = stores.Status()[0].Port;
        }

        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        await using (var stores = await StartAsync(OnlyRedis, temporary))
        {
            Assert.NotEqual(port, stores.Status()[0].Port);
            Assert.Equal("+PONG", await RedisAsync(stores, "PING"));
        }

        Assert.Contains(_reports, line => line.Contains($"port {port}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Data_of_another_major_version_is_refused_with_what_to_install()
    {
        await using var temporary = new TemporaryState();
        var data = Path.Combine(temporary.State.Store("main"), "data");
        Directory.CreateDirectory(Path.Combine(data, "global"));
        await File.WriteAllTextAsync(Path.Combine(data, "global", "pg_control"), "x");
        await File.WriteAllTextAsync(Path.Combine(data, "PG_VERSION"), "9\n");
        var error = await Assert.ThrowsAsync<RuntimeException>(() => StartAsync(OnlyPostgres, temporary));
        Assert.Equal(RuntimeFailure.Machine, error.Failure);
        Assert.Contains("made by PostgreSQL 9", error.Message, StringComparison.Ordinal);
        Assert.Contains("postgresql-9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_the_servers_user_cannot_pass_is_named()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root runs a store as another user");
        await using var temporary = new TemporaryState();
        File.SetUnixFileMode(temporary.State.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var error = await Assert.ThrowsAsync<RuntimeException>(() => StartAsync(OnlyPostgres, temporary));
        Assert.Equal(RuntimeFailure.Machine, error.Failure);
        Assert.Contains($"chmod o+x {temporary.State.Folder}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_another_user_made_is_taken_over_by_root()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may change an owner");
        await using var temporary = new TemporaryState();
        await using (var stores = await StartAsync(OnlyPostgres, temporary))
        {
            await QueryAsync(stores, "CREATE TABLE kept (x int)");
        }

        await RunAsync("chown", "-R", "nobody", temporary.State.Store("main"));
        await using (var stores = await StartAsync(OnlyPostgres, temporary))
        {
            Assert.Equal(0L, await QueryAsync(stores, "SELECT count(*) FROM kept"));
        }
    }

    [Fact]
    public async Task Any_other_user_is_told_whose_data_it_is()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become another user");
        Assert.SkipUnless(IsOpen(AppContext.BaseDirectory), $"nobody else can read {AppContext.BaseDirectory}");
        await using var temporary = new TemporaryState();
        var state = SystemState.At(temporary.State.Folder, "orphans");
        await (await StoreSet.StartAsync(OnlyPostgres, state, Options(durable: false), default)).DisposeAsync();
        await RunAsync("chown", "nobody", state.Folder, state.Run, state.Logs, state.Stores, state.Store("main"));
        using var host = Processes.OrphansTests.StartHost(state, "stores", "nobody");
        Assert.Contains("data belongs to another user than nobody", await host.StandardOutput.ReadToEndAsync().WaitAsync(Limits.Wait), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16, "are needed")] // noticed before
    [InlineData(36, "nothing half-made was left")] // noticed by initdb
    public async Task A_full_disk_is_told_and_nothing_half_made_is_left(int mebibytes, string expected)
    {
        await using var temporary = new TemporaryState();
        var mount = Directory.CreateDirectory(Path.Combine(temporary.State.Folder, "small")).FullName;
        var mounted = Environment.IsPrivilegedProcess && await RunAsync("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=755", "tmpfs", mount) == 0;
        Assert.SkipUnless(mounted, "a small disk can be mounted by root only, and not in every container");
        try
        {
            var state = SystemState.At(Path.Combine(mount, "probe"), "probe");
            var error = await Assert.ThrowsAsync<RuntimeException>(() => StoreSet.StartAsync(OnlyPostgres, state, Options(durable: false), default));
            Assert.Equal(RuntimeFailure.Machine, error.Failure);
            Assert.Contains("the disk of", error.Message, StringComparison.Ordinal);
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Directory.GetDirectories(state.Store("main")), folder => Path.GetFileName(folder).StartsWith("data", StringComparison.Ordinal));
        }
        finally
        {
            await RunAsync("umount", "-l", mount);
        }
    }

    [Fact]
    public async Task Store_servers_of_a_killed_host_are_orphans()
    {
        await using var temporary = new TemporaryState();
        var state = SystemState.At(temporary.State.Folder, "orphans");
        using var host = Processes.OrphansTests.StartHost(state, "stores");
        Assert.Equal("ready", await host.StandardOutput.ReadLineAsync().WaitAsync(Limits.Wait));
        host.Kill();
        await host.WaitForExitAsync().WaitAsync(Limits.Wait);
        Assert.Contains(ProcessTable.All(), row => StoreServers.StoreOf(row, state) == "main");

        var ended = await Orphans.EndAsync(state, TimeSpan.FromSeconds(20), TimeProvider.System);
        Assert.Contains(ended, one => one is { Name: "main", Killed: false });
        Assert.Contains(ended, one => one is { Name: "cache", Killed: false });
        Assert.DoesNotContain(ProcessTable.All(), row => StoreServers.StoreOf(row, state) is not null);
    }

    private static bool IsOpen(string? folder) =>
        string.IsNullOrEmpty(folder) || ((File.GetUnixFileMode(folder) & UnixFileMode.OtherExecute) != UnixFileMode.None && IsOpen(Path.GetDirectoryName(folder)));

    private StoreOptions Options(bool durable) => new() { Durable = durable, Report = _reports.Enqueue };

    private Task<StoreSet> StartAsync(SystemGuide guide, TemporaryState temporary, bool durable = false) =>
        StoreSet.StartAsync(guide, temporary.State, Options(durable || guide == Guide), default);

    private static async Task<object?> QueryAsync(StoreSet stores, string sql)
    {
        await using var connection = new NpgsqlConnection(stores.ConnectionString("main") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static async Task<string> RedisAsync(StoreSet stores, string command, bool password = true)
    {
        var uri = new Uri(stores.ConnectionString("cache"));
        using var client = new TcpClient();
        await client.ConnectAsync(uri.Host, uri.Port);
        var stream = client.GetStream();
        var text = password ? $"AUTH {uri.UserInfo.TrimStart(':')}\r\n{command}\r\nQUIT\r\n" : $"{command}\r\nQUIT\r\n";
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(text));
        var answer = await new StreamReader(stream).ReadToEndAsync().WaitAsync(Limits.Wait);
        answer = password && answer.StartsWith("+OK\r\n", StringComparison.Ordinal) ? answer[5..] : answer;
        return answer.EndsWith("\r\n+OK\r\n", StringComparison.Ordinal) ? answer[..^7] : answer;
    }

    private static async Task<string> OwnerAsync(int pid) =>
        (await File.ReadAllLinesAsync($"/proc/{pid}/status")).First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    private static Task<int> RunAsync(string program, params string[] arguments) =>
        Tool.RunAsync(new ProcessSpec { Name = program, FileName = program, Arguments = arguments, WorkingDirectory = "/" }, _ => { }, TimeProvider.System, default);
}
