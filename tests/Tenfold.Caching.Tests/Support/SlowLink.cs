using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Tenfold.Redis;

namespace Tenfold.Caching.Tests.Support;

/// <summary>A long way to a Redis: whatever it answers comes later, but as much of it as ever.</summary>
internal sealed class SlowLink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private long _latency;

    public SlowLink(int server)
    {
        _listener.Start();
        _accepting = AcceptAsync(server);
    }

    public TimeSpan Latency
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _latency));
        set => Interlocked.Exchange(ref _latency, value.Ticks);
    }

    public RedisOptions Options => RedisOptions.Parse($"redis://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}") with { MaxBackoff = TimeSpan.FromMilliseconds(100) };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync(int server)
    {
        var links = new List<Task>();
        try
        {
            while (true)
            {
                links.Add(LinkAsync(await _listener.AcceptSocketAsync(_stop.Token), server));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(links);
        }
    }

    private async Task LinkAsync(Socket client, int server)
    {
        using var near = client;
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, server, over.Token);
            await Task.WhenAny(CopyAsync(near, far, () => TimeSpan.Zero, over.Token), CopyAsync(far, near, () => Latency, over.Token));
        }
        catch (SocketException)
        {
            // The server is not there.
        }

        await over.CancelAsync();
    }

    private static async Task CopyAsync(Socket from, Socket to, Func<TimeSpan> latency, CancellationToken stop)
    {
        var parts = Channel.CreateUnbounded<(byte[] Bytes, Task Due)>();
        var writing = Task.Run(async () =>
        {
            await foreach (var (bytes, due) in parts.Reader.ReadAllAsync(stop))
            {
                await due;
                await to.SendAsync(bytes, stop);
            }
        }, stop);
        try
        {
            var buffer = new byte[64 << 10];
            while (await from.ReceiveAsync(buffer, stop) is > 0 and var count)
            {
                parts.Writer.TryWrite((buffer[..count], Task.Delay(latency(), stop)));
            }

            parts.Writer.Complete();
            await writing;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side has gone.
        }
    }
}
