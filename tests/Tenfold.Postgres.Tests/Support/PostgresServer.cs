using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Npgsql;

namespace Tenfold.Postgres.Tests.Support;

/// <summary>
/// A private PostgreSQL on a free TCP port, in a folder of its own that is deleted afterwards; as the user <c>postgres</c> where
/// the tests run as root. It can be copied to a streaming replica, killed, frozen, promoted and started again.
/// Other test projects link this file.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>Generous: it only matters when a test fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly string[] _settings;
    private Process? _process;

    private PostgresServer(int port, string[] settings)
    {
        (Port, _settings) = (port, settings);
        _folder = Directory.CreateTempSubdirectory("tenfold-postgres-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", "postgres", _folder);
        }
    }

    public int Port { get; }

    public string Data => Path.Combine(_folder, "data");

    /// <summary>The superuser <c>postgres</c>, database <c>postgres</c>, without a password.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Username=postgres;Database=postgres";

    /// <summary>Several servers of one store.</summary>
    public static string ConnectionStringOf(params IEnumerable<PostgresServer> servers) =>
        $"Host={string.Join(',', servers.Select(server => $"127.0.0.1:{server.Port}"))};Username=postgres;Database=postgres";

    /// <param name="settings">Beside the test's own, as <c>name=value</c>.</param>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var server = new PostgresServer(FreePort(), settings);
        try
        {
            server.Run(Program("initdb"), "-D", server.Data, "-U", "postgres", "--encoding=UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--auth=trust", "--no-sync");
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A streaming replica of this server, on a slot of its own.</summary>
    /// <param name="settings">Such as <c>recovery_min_apply_delay=500ms</c>.</param>
    public async Task<PostgresServer> ReplicaAsync(params string[] settings)
    {
        var replica = new PostgresServer(FreePort(), settings);
        try
        {
            replica.Run(Program("pg_basebackup"), "-d", $"host=127.0.0.1 port={Port} user=postgres", "-D", replica.Data, "-R", "-X", "stream", "-C", "-S", $"replica_{replica.Port}", "--checkpoint=fast", "--no-sync");
            await replica.StartAgainAsync();
            return replica;
        }
        catch
        {
            await replica.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it on the same port after <see cref="KillAsync"/>; it answers when this is done.</summary>
    public async Task StartAgainAsync()
    {
        File.Delete(Path.Combine(Data, "postmaster.pid")); // of a killed one
        string[] settings =
        [
            $"port={Port}", "listen_addresses=127.0.0.1", $"unix_socket_directories={_folder}", "fsync=off", "max_connections=100", "shared_buffers=32MB",
            "wal_level=logical", "max_wal_senders=10", "max_replication_slots=10", "hot_standby=on", "wal_receiver_status_interval=1s", "wal_retrieve_retry_interval=200ms", "jit=off", .. _settings,
        ];
        var start = Start(Program("postgres"), ["-D", Data, .. settings.SelectMany(setting => new[] { "-c", setting })]);
        _process = Process.Start(start)!;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var output = new StringBuilder();
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (output)
            {
                output.AppendLine(line.Data ?? "(end)");
                if (line.Data is null)
                {
                    ready.TrySetException(new InvalidOperationException($"PostgreSQL ended: {output}"));
                }
            }

            // A replica is ready for reads before it has caught up.
            if (line.Data?.Contains("ready to accept", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await ready.Task.WaitAsync(Patience);
    }

    /// <summary>Ends it as a crash would: the postmaster and every process of it.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            Signal(process.Id, 18); // a frozen one takes no note of anything else
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().WaitAsync(Patience);
            process.Dispose();
        }
    }

    /// <summary>It and its processes stay alive and answer nothing (SIGSTOP).</summary>
    public void Freeze() => SignalAll(19);

    /// <summary>It goes on where it was frozen (SIGCONT).</summary>
    public void Thaw() => SignalAll(18);

    /// <summary>Makes a replica a primary; it takes writes when this is done.</summary>
    public Task PromoteAsync() => ExecuteAsync("SELECT pg_promote(true, 60)");

    /// <summary>The first column of the first row; null when there is none.</summary>
    public async Task<object?> ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A port that nobody listens on, below the range of outgoing connections.</summary>
    public static int FreePort()
    {
        for (var i = 0; i < 200; i++)
        {
            var port = 20_000 + System.Security.Cryptography.RandomNumberGenerator.GetInt32(10_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // taken
            }
        }

        throw new InvalidOperationException("No free port between 20,000 and 30,000.");
    }

    private static string Program(string name) =>
        Directory.EnumerateDirectories("/usr/lib/postgresql").OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var major) ? major : 0)
            .Select(folder => Path.Combine(folder, "bin", name)).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException($"{name} is not there; install it: apt-get install postgresql");

    private void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(Start(program, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {errors.GetAwaiter().GetResult()}");
        }
    }

    private ProcessStartInfo Start(string program, string[] arguments)
    {
        var asPostgres = Environment.IsPrivilegedProcess && program != "chown";
        return new ProcessStartInfo(asPostgres ? "setpriv" : program, asPostgres ? ["--reuid=postgres", "--regid=postgres", "--init-groups", "--", program, .. arguments] : arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
            Environment = { ["LC_ALL"] = "C" },
        };
    }

    private void SignalAll(int signal)
    {
        var postmaster = _process!.Id;
        Signal(postmaster, signal);
        foreach (var stat in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)).Select(folder => Path.Combine(folder, "stat")))
        {
            // "pid (name) state parent …": a name of PostgreSQL's has no bracket in it.
            if (ReadIfThere(stat)?.Split(") ") is [var start, var rest, ..] && rest.Split(' ')[1] == postmaster.ToString())
            {
                Signal(int.Parse(start.Split(' ')[0]), signal);
            }
        }
    }

    private static string? ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return null; // no process, or gone by now
        }
    }

    private static void Signal(int process, int signal)
    {
        _ = Kill(process, signal); // one that is gone needs none
    }

#pragma warning disable SYSLIB1054, CA5392 // LibraryImport would ask every project that links this file for unsafe code.
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int process, int signal);
#pragma warning restore SYSLIB1054, CA5392
}
