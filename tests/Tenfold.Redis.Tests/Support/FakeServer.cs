using System.Net;
using System.Net.Sockets;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Tests.Support;

/// <summary>Speaks as much RESP as a client's first commands need; a test says the rest. What it answers with null has no answer.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string[], Task<string?>> _answer;
    private readonly Task _serving;

    public FakeServer(Func<string[], Task<string?>> answer)
    {
        _answer = answer;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _serving = ServeAsync();
    }

    public FakeServer(Func<string[], string?> answer)
        : this(words => Task.FromResult(answer(words)))
    {
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    public static string Bulk(string text) => $"${text.Length}\r\n{text}\r\n";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync();
                _ = Task.Run(() => ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var owned = socket;
        var (input, scanner) = (new ReceiveBuffer(), default(RespScanner));
        try
        {
            while (await socket.ReceiveAsync(input.Room(scanner.Needed)) is > 0 and var count)
            {
                input.Received(count);
                while (RespReader.TryRead(input.Unread, ref scanner, new RespLimits(1024 * 1024), out var command, out var length))
                {
                    input.Taken(length);
                    string[] words = [.. command.Items.ToArray().Select(word => word.Text!)];
                    var answer = words[0] switch
                    {
                        "HELLO" or "CLIENT" or "SELECT" => "+OK\r\n",
                        "PING" => "+PONG\r\n",
                        _ => await _answer(words),
                    };
                    if (answer is not null)
                    {
                        await socket.SendAsync(answer.Utf8());
                    }
                }
            }
        }
        catch (SocketException)
        {
            // the client has hung up
        }
    }
}
