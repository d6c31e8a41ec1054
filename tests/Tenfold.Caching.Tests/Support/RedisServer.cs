using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Tenfold.Redis;

namespace Tenfold.Caching.Tests.Support;

/// <summary>A real Redis of the test's own on a free port, which can be killed, stopped in its tracks and started again.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tenfold-redis-").FullName;
    private readonly string[] _settings;
    private readonly int _port;
    private Process? _process;

    private RedisServer(int port, string[] settings) => (_port, _settings) = (port, settings);

    public string Url => $"redis://127.0.0.1:{_port}";

    public RedisOptions Options => RedisOptions.Parse(Url) with { MaxBackoff = TimeSpan.FromMilliseconds(100) };

    /// <param name="settings">Beside port, folder and no snapshots: <c>--maxmemory 4mb</c>.</param>
    public static async Task<RedisServer> StartAsync(params string[] settings)
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        var server = new RedisServer(port, settings);
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo("redis-server", ["--port", $"{_port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--logfile", "redis.log", "--daemonize", "no", .. _settings])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await Wait.ForAsync("Redis answers", async () =>
        {
            try
            {
                return (await SendAsync("PING")).Contains("PONG", StringComparison.Ordinal);
            }
            catch (SocketException)
            {
                return false;
            }
        });
    }

    /// <summary>As by a power cut.</summary>
    public async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        _process?.Dispose();
        _process = null;
    }

    /// <summary>Forgets what was written to the disk. While it is killed.</summary>
    public void Empty()
    {
        Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Freezes it, or lets it go on.</summary>
    public void Freeze(bool frozen) => Signal(_process!.Id, frozen);

    public static void Signal(int process, bool stop)
    {
        using var kill = Process.Start("kill", [stop ? "-STOP" : "-CONT", $"{process}"]);
        kill.WaitForExit();
    }

    /// <summary>A command over a connection of its own; the answer as Redis wrote it.</summary>
    public async Task<string> SendAsync(string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(command + "\r\n"));
        var buffer = new byte[64 << 10];
        var read = await stream.ReadAsync(buffer);
        return System.Text.Encoding.UTF8.GetString(buffer, 0, read);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
