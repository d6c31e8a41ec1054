using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Tenfold.Redis.Connections;

/// <summary>Makes connections: socket, TLS, handshake.</summary>
internal sealed class Connector(ConnectionContext context)
{
    /// <summary>A connection that is ready for commands.</summary>
    /// <exception cref="RedisException">It cannot be made; the message says why.</exception>
    public async Task<Connection> ConnectAsync(EndPoint endPoint, Credentials credentials, CancellationToken cancel)
    {
        var options = context.Options;
        await context.Made;
        using var limit = new CancellationTokenSource(options.ConnectTimeout, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        Connection? connection = null;
        try
        {
            connection = new Connection(await OpenAsync(endPoint, both.Token), endPoint, context);
            connection.Start();
            await Handshake.RunAsync(connection, context, credentials, both.Token);
            return connection;
        }
#pragma warning disable CA1031 // Whatever fails, options' own code too, is one attempt's failure to those who try again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            connection?.Abort(e);
            cancel.ThrowIfCancellationRequested();
            var why = e is OperationCanceledException ? $"no success within {options.ConnectTimeout.TotalSeconds:0.#} s" : e.Message;
            throw new RedisConnectionException($"Cannot connect to {endPoint}: {why}", mayHaveExecuted: false, e);
        }
    }

    private async Task<Stream> OpenAsync(EndPoint endPoint, CancellationToken cancel)
    {
        var socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(endPoint, cancel);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (context.Options.Tls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                var authentication = new SslClientAuthenticationOptions
                {
                    TargetHost = endPoint switch { DnsEndPoint dns => dns.Host, IPEndPoint ip => ip.Address.ToString(), _ => "localhost" },
                };
                context.Options.ConfigureTls?.Invoke(authentication);
                await tls.AuthenticateAsClientAsync(authentication, cancel);
            }

            return stream;
        }
        catch
        {
            stream?.Dispose();
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>Who the client is, and which database it wants.</summary>
/// <param name="User">Null: the default user.</param>
/// <param name="Password">Null: none.</param>
/// <param name="Database">Its number.</param>
/// <param name="Tracks">Whether tracked reads go over the connection; the loss of one that has them costs every local copy.</param>
internal sealed record Credentials(string? User, string? Password, int Database, bool Tracks)
{
    public static Credentials ForServers(RedisOptions options) => new(options.User, options.Password, options.Database, Tracks: true);

    public static Credentials ForSentinels(RedisOptions options) => new(options.SentinelUser, options.SentinelPassword, 0, Tracks: false);
}
