using System.Net;
using System.Net.Sockets;

namespace Tenfold.Redis.Tests.Support;

/// <summary>Stands between client and server and does what networks do: delays, cuts, swallows.</summary>
internal sealed class Proxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _server;
    private readonly List<Socket> _open = [];
    private readonly Task _accepting;
    private volatile TaskCompletionSource? _held;
    private volatile int _cutAfter = -1;
    private volatile bool _swallows;
    private volatile int _connections;

    public Proxy(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>Bytes of answers after which a connection is cut; -1 for never. Counted from when it is set.</summary>
    public int CutAfter
    {
        get => _cutAfter;
        set => _cutAfter = value;
    }

    /// <summary>Nothing comes back any more, and nothing is closed.</summary>
    public bool Swallows
    {
        get => _swallows;
        set => _swallows = value;
    }

    public int Connections => _connections;

    /// <summary>Answers come no further until <see cref="Release"/>.</summary>
    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var held = _held!;
        _held = null;
        held.SetResult();
    }

    public void CutAll()
    {
        lock (_open)
        {
            foreach (var socket in _open)
            {
                socket.Close(0);
            }

            _open.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CutAll();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                Interlocked.Increment(ref _connections);
                lock (_open)
                {
                    _open.AddRange([client, server]);
                }

                _ = Task.Run(() => PassAsync(client, server));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private async Task PassAsync(Socket client, Socket server)
    {
        try
        {
            client.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, _server);
            await Task.WhenAny(CopyAsync(client, server, answers: false), CopyAsync(server, client, answers: true));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the server is not there
        }

        client.Close(0);
        server.Close();
    }

    private async Task CopyAsync(Socket from, Socket to, bool answers)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                if (answers)
                {
                    if (_held is { } held)
                    {
                        await held.Task.WaitAsync(_stop.Token);
                    }

                    if (Swallows)
                    {
                        continue;
                    }

                    if (CutAfter >= 0)
                    {
                        var left = Math.Min(count, CutAfter);
                        await to.SendAsync(buffer.AsMemory(0, left));
                        CutAfter -= left;
                        if (left < count)
                        {
                            CutAfter = -1;
                            return;
                        }

                        continue;
                    }
                }

                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // cut
        }
    }
}
