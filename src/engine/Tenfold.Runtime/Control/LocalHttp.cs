using System.Net;
using System.Net.Sockets;

namespace Tenfold.Runtime.Control;

/// <summary>HTTP to one process of this machine, over TCP or a Unix socket, whatever host the address of a request names.</summary>
internal static class LocalHttp
{
    public static SocketsHttpHandler HandlerTo(EndPoint endPoint) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectCallback = async (_, cancel) =>
        {
            var socket = endPoint is UnixDomainSocketEndPoint
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(endPoint, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
