using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tenfold.Runtime.Processes;

/// <summary>Finds ports for servers that are started here.</summary>
/// <remarks>
/// Taken from below the kernel's ephemeral range: a port that the kernel may give to any outgoing connection (the gateway's own,
/// for one) could be gone between the finding and the listening.
/// </remarks>
public static class FreePort
{
    private const int First = 20_000;
    private const int Tries = 1000;

    /// <summary>A port on 127.0.0.1 that nobody listens on and that is not in <paramref name="taken"/>.</summary>
    /// <exception cref="RuntimeException">None was found.</exception>
    public static int Find(Random random, IReadOnlySet<int> taken)
    {
        var end = Math.Max(First + 1000, EphemeralStart());
        for (var i = 0; i < Tries; i++)
        {
            var port = random.Next(First, end);
            if (!taken.Contains(port) && IsFree(port))
            {
                return port;
            }
        }

        throw new RuntimeException(RuntimeFailure.Machine, $"no free port on 127.0.0.1 between {First} and {end} after {Tries} tries; see 'ss -ltn' for what listens there");
    }

    /// <summary>Whether nobody listens on the port of 127.0.0.1.</summary>
    public static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int EphemeralStart()
    {
        try
        {
            return int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return 32_768; // the kernel's default
        }
    }
}
