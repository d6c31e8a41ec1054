using System.Net;
using System.Net.Sockets;

namespace Tenfold.Load.Tests.Running;

/// <summary>A server of bytes on a free port: every connection is handed to a function. It allocates nothing by itself.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket, Task> _serve;

    public RawServer(Func<Socket, Task> serve)
    {
        _serve = serve;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(4096);
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");
        _ = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Answers every request (one that comes in one piece) with 200 and tells when it came; waits before it answers if it is told to.</summary>
    public static RawServer Blink(Action<long>? onRequest = null, Func<Task>? wait = null)
    {
        ReadOnlyMemory<byte> answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray();
        return new RawServer(async socket =>
        {
            socket.NoDelay = true;
            Memory<byte> buffer = new byte[4096]; // Memory: the overloads that do not allocate
            while (await socket.ReceiveAsync(buffer) > 0)
            {
                onRequest?.Invoke(Tenfold.Load.Loops.EventLoop.Now());
                if (wait is not null)
                {
                    await wait();
                }

                await socket.SendAsync(answer);
            }
        });
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await _serve(socket);
            }
            catch (SocketException)
            {
                // The client went away.
            }
        }
    }
}
