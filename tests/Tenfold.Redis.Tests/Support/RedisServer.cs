using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tenfold.TestSupport;

/// <summary>
/// A redis-server of a test's own: temporary folder, free port, nothing on disk unless asked. Other test projects link this
/// file: <c>&lt;Compile Include="../Tenfold.Redis.Tests/Support/RedisServer.cs" Link="Support/RedisServer.cs" /&gt;</c>.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const int MostAttempts = 10; // at a port that nobody took meanwhile

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static int s_lastPort = System.Security.Cryptography.RandomNumberGenerator.GetInt32(10_000); // so that no port is given twice in a process

    private readonly string[] _settings;
    private readonly string _folder;
    private Process? _process;

    private readonly string? _sentinel; // its configuration, if it is one

    private RedisServer(string[] settings, string? sentinel = null)
    {
        (Port, _settings, _sentinel) = (FreePort(), settings, sentinel);
        _folder = Directory.CreateTempSubdirectory("tenfold-redis-").FullName;
    }

    public int Port { get; }

    public string Folder => _folder;

    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>Starts one; settings are words of its command line, for example <c>"--maxmemory", "10mb"</c>; <c>{port}</c> in them is its port.</summary>
    public static Task<RedisServer> StartAsync(params string[] settings) => StartAsync(() => new RedisServer(settings));

    /// <summary>Starts a sentinel; the configuration is what follows its port and folder.</summary>
    public static Task<RedisServer> StartSentinelAsync(string configuration) => StartAsync(() => new RedisServer([], configuration));

    private static async Task<RedisServer> StartAsync(Func<RedisServer> make)
    {
        for (var attempt = 1; ; attempt++)
        {
            var server = make();
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException e) when (attempt < MostAttempts && e.Message.Contains("already in use", StringComparison.Ordinal))
            {
                await server.DisposeAsync(); // its port, or its port on the cluster's bus, was taken
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>A port that nobody listens on, below the range of outgoing connections.</summary>
    public static int FreePort()
    {
        for (var i = 0; i < 200; i++)
        {
            var port = 10_000 + (int)((uint)Interlocked.Increment(ref s_lastPort) % 10_000);
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

        throw new InvalidOperationException("No free port between 10,000 and 20,000.");
    }

    /// <summary>Starts it on the same port after <see cref="KillAsync"/>; it answers when this is done.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = _folder };
        var file = Path.Combine(_folder, "sentinel.conf");
        if (_sentinel is not null && !File.Exists(file))
        {
            await File.WriteAllTextAsync(file, $"port {Port}\ndir {_folder}\nbind 127.0.0.1\n{_sentinel}\n");
        }

        string[] words = _sentinel is not null ? [file, "--sentinel"] : ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "no", "--daemonize", "no",
            .. _settings.Select(word => word.Replace("{port}", $"{Port}", StringComparison.Ordinal))];
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        _process = Process.Start(start)!;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var output = new List<string>();
        _process.OutputDataReceived += (_, line) =>
        {
            output.Add(line.Data ?? "(end)"); // lines come one after the other
            if (line.Data is null)
            {
                ready.TrySetException(new InvalidOperationException($"redis-server ended: {string.Join('\n', output)}"));
            }
            else if (line.Data.Contains("eady to accept", StringComparison.Ordinal) || line.Data.Contains("Sentinel ID is", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await ready.Task.WaitAsync(Patience);
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(Patience);
            process.Dispose();
        }
    }

    /// <summary>It stays alive and answers nothing.</summary>
    public void Suspend() => Signal(19); // SIGSTOP

    public void Resume() => Signal(18); // SIGCONT

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private void Signal(int signal)
    {
        if (Kill(_process!.Id, signal) != 0)
        {
            throw new InvalidOperationException($"Signal {signal} failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

#pragma warning disable SYSLIB1054, CA5392 // LibraryImport would ask every project that links this file for unsafe code.
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int process, int signal);
#pragma warning restore SYSLIB1054, CA5392
}
