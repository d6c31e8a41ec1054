using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Tenfold.Guide;
using Tenfold.Runtime.Packages;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>A private Redis with a password, on the loopback address.</summary>
/// <remarks>
/// It keeps an append-only file, synced every second, since a store is kept between runs. Over its memory limit it evicts
/// keys that have an expiry (<c>volatile-lfu</c>): a cache's. What was stored without one is never dropped; writes of more are refused.
/// </remarks>
internal sealed class RedisStore(string name, SystemGuide guide, SystemState state, StoreOptions options) : IStoreServer
{
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromSeconds(10);

    private readonly Store _store = guide.Stores[name];
    private StoreFolder? _folder;
    private SystemUser? _owner;
    private string _program = "";
    private string _password = "";

    public string Name => name;

    public StoreEngine Engine => StoreEngine.Redis;

    public int Port { get; private set; }

    public string ConnectionString => $"redis://:{_password}@127.0.0.1:{Port}";

    public async Task PrepareAsync(CancellationToken cancel)
    {
        _program = await new ServerPackages(options.Report, options.Time).RedisAsync(cancel);
        _owner = ServerUser.For("redis");
        _folder = new StoreFolder(name, state, _owner);
        _folder.Create();
        if (Directory.Exists(_folder.Data))
        {
            _folder.CheckOwner(_folder.Data, "Redis");
        }
        else
        {
            _folder.MakeFresh(_folder.Data);
        }

        _password = _folder.Secret("password");
    }

    public void ChoosePort() => Port = RememberedPort.Choose(_folder!.PortFile, options.Random, options.Report);

    public Task<ProcessSpec> BeforeStartAsync(CancellationToken cancel)
    {
        StoreServers.KillAll(_folder!.Data);
        _folder.Create();
        return Task.FromResult(new ProcessSpec
        {
            Name = name,
            FileName = _program,
            Arguments = [_folder.Configure("redis.conf", Settings(Port, _folder.Data, _folder.Socket, _password, _store.MemoryLimit, options.Durable))],
            WorkingDirectory = _folder.Data,
            InheritEnvironment = false,
            RunAs = _owner,
            SignalGroup = false,
        });
    }

    public bool SaysReady(string line) => line.Contains("eady to accept connections", StringComparison.Ordinal);

    /// <summary>redis.conf.</summary>
    internal static string Settings(int port, string data, string socket, string password, ByteSize memory, bool durable) => string.Create(CultureInfo.InvariantCulture, $"""
        # Written by tenfold before each start: changes are lost.
        port {port}
        bind 127.0.0.1
        protected-mode yes
        requirepass {password}
        unixsocket {Quote(socket + "/redis.sock")}
        unixsocketperm 777
        daemonize no
        supervised no
        always-show-logo no
        set-proc-title no
        loglevel notice
        logfile ""
        dir {Quote(data)}
        databases 16
        maxmemory {memory.Bytes}
        maxmemory-policy volatile-lfu
        save ""
        appendonly {(durable ? "yes" : "no")}
        appendfsync everysec

        """);

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>Asks for a PONG with the password.</summary>
    public async Task AfterStartAsync(CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(ProbeLimit);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var answer = new StringBuilder();
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Port), limit.Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"AUTH {_password}\r\nPING\r\n"), limit.Token);
            var buffer = new byte[256];
            while (answer.ToString().Count(c => c == '\n') < 2)
            {
                var read = await socket.ReceiveAsync(buffer, limit.Token);
                if (read == 0)
                {
                    break;
                }

                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"store {name}: Redis on port {Port} said it is ready but does not answer: {e.Message}", e);
        }

        if (answer.ToString() != "+OK\r\n+PONG\r\n")
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"store {name}: Redis on port {Port} answered '{answer.ToString().Trim()}' instead of PONG");
        }
    }
}
