using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Tenfold.AspNetCore.Listening;

/// <summary>
/// Where the instance contract says to listen: <c>TENFOLD_SOCKET</c> (a Unix socket, instead of TCP), else
/// <c>ASPNETCORE_URLS</c>/<c>--urls</c> (left to ASP.NET Core), else <c>PORT</c> on every address.
/// </summary>
internal sealed record ListenAddress(string? Socket, int? Port)
{
    /// <exception cref="InvalidOperationException">PORT is not a port, or the socket path is too long for the system.</exception>
    public static ListenAddress From(IConfiguration configuration)
    {
        if (configuration["TENFOLD_SOCKET"] is { Length: > 0 } socket)
        {
            // sun_path holds 108 bytes with its end mark.
            return System.Text.Encoding.UTF8.GetByteCount(socket) < 108
                ? new ListenAddress(socket, null)
                : throw new InvalidOperationException($"TENFOLD_SOCKET is {socket.Length} bytes long; a Unix socket's path has at most 107: {socket}");
        }

        if (configuration["URLS"] is { Length: > 0 } || configuration["PORT"] is not { Length: > 0 } text)
        {
            return new ListenAddress(null, null);
        }

        return int.TryParse(text, out var port) && port is >= 0 and <= 65535
            ? new ListenAddress(null, port)
            : throw new InvalidOperationException($"PORT is '{text}'; it must be a number from 0 to 65535.");
    }

    public void Apply(KestrelServerOptions kestrel)
    {
        if (Socket is not null)
        {
            RemoveStale(Socket);
            kestrel.ListenUnixSocket(Socket);
        }
        else if (Port is { } port)
        {
            kestrel.ListenAnyIP(port);
        }
    }

    /// <summary>Removes a socket file that a killed process left behind: one that nobody answers on.</summary>
    /// <exception cref="IOException">Something answers there, or the file is not a socket.</exception>
    internal static void RemoveStale(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            if (new FileInfo(path) is { Length: > 0 })
            {
                throw new IOException($"TENFOLD_SOCKET {path} is an ordinary file, not a socket; it is left as it is. Name another path.", refused);
            }

            File.Delete(path);
            return;
        }

        throw new IOException($"TENFOLD_SOCKET {path} is in use: another process answers on it. Stop it, or name another path.");
    }
}
