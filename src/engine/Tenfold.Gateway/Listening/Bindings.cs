using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Tenfold.Gateway.Listening;

/// <summary>What <c>gateway.address</c> means.</summary>
internal static class Bindings
{
    /// <summary><c>localhost</c> is both loopbacks (IPv6 where there is one), <c>*</c> every address, else one address.</summary>
    /// <exception cref="GatewayException">The address is none of these.</exception>
    public static void Listen(KestrelServerOptions options, string address, int port, Action<ListenOptions> configure)
    {
        if (address is "localhost")
        {
            options.Listen(IPAddress.Loopback, port, configure);
            if (HasIPv6Loopback())
            {
                options.Listen(IPAddress.IPv6Loopback, port, configure);
            }
        }
        else if (address is "*")
        {
            options.ListenAnyIP(port, configure);
        }
        else if (IPAddress.TryParse(address, out var ip))
        {
            options.Listen(ip, port, configure);
        }
        else
        {
            throw new GatewayException($"gateway.address: '{address}' is not an IP address, localhost or *.");
        }
    }

    /// <summary>A port that is free on the IPv4 loopback now.</summary>
    public static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static bool HasIPv6Loopback()
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
