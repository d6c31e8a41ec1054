using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Tenfold.Gateway.Tests.Support;

/// <summary>An instance on a bare socket: the test decides about every byte.</summary>
internal sealed class RawUpstream : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Func<RawPeer, Task> _serve;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _sockets = [];
    private int _connections;

    public RawUpstream(Func<RawPeer, Task> serve, string? unixPath = null)
    {
        _serve = serve;
        _listener = unixPath is null ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(unixPath is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(unixPath));
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Answers every request of every connection by this function.</summary>
    public static RawUpstream Answering(Func<string, string> answer, string? unixPath = null) => new(
        async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request)
            {
                await peer.SendAsync(answer(request));
            }
        },
        unixPath);

    public static string Ok(string body, string headers = "") => $"HTTP/1.1 200 OK\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}\r\n{body}";

    /// <summary>As kill -9 would: nobody listens, every connection is reset.</summary>
    public void Kill()
    {
        _listener.Dispose();
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Already gone.
                }

                socket.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Kill();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stopping.Token);
                Interlocked.Increment(ref _connections);
                lock (_sockets)
                {
                    _sockets.Add(socket);
                }

                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        try
        {
            await _serve(new RawPeer(socket));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException or OperationCanceledException)
        {
            // The gateway has closed the connection, or the test has.
        }
        finally
        {
            socket.Dispose();
        }
    }
}

/// <summary>One end of a raw connection.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    private readonly StringBuilder _received = new();

    public static async Task<RawPeer> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawPeer(socket);
    }

    public Socket Socket => socket;

    public async Task SendAsync(string bytes)
    {
        var left = (ReadOnlyMemory<byte>)Encoding.Latin1.GetBytes(bytes);
        while (!left.IsEmpty)
        {
            left = left[await socket.SendAsync(left)..];
        }
    }

    /// <summary>The next head (Latin-1) with a body by Content-Length or chunks as they were sent; null at the end.</summary>
    public async Task<string?> ReadRequestAsync()
    {
        var head = await ReadUntilAsync("\r\n\r\n");
        if (head is null)
        {
            return null;
        }

        if (head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
        {
            // Trailers are not looked for here.
            var body = await ReadUntilAsync("0\r\n\r\n");
            return body is null ? null : head + body;
        }

        var at = head.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? head : head + await ReadAsync(int.Parse(head.AsSpan(at + 16, head.IndexOf('\r', at) - at - 16)));
    }

    public async Task<string?> ReadUntilAsync(string end)
    {
        while (true)
        {
            var at = _received.ToString().IndexOf(end, StringComparison.Ordinal);
            if (at >= 0)
            {
                return Take(at + end.Length);
            }

            if (!await FillAsync())
            {
                return null;
            }
        }
    }

    public async Task<string> ReadAsync(int length)
    {
        while (_received.Length < length && await FillAsync())
        {
        }

        return Take(Math.Min(length, _received.Length));
    }

    public async Task<string> ReadToEndAsync()
    {
        try
        {
            while (await FillAsync())
            {
            }
        }
        catch (SocketException)
        {
            // Reset: what had come has come.
        }

        return Take(_received.Length);
    }

    public void Dispose() => socket.Dispose();

    private string Take(int length)
    {
        var text = _received.ToString(0, length);
        _received.Remove(0, length);
        return text;
    }

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[65536];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var n = await socket.ReceiveAsync(buffer, limit.Token);
        _received.Append(Encoding.Latin1.GetString(buffer, 0, n));
        return n > 0;
    }
}
