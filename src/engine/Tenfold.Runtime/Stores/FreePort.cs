using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>Chooses a loopback port, and keeps to it from run to run while it is free.</summary>
internal static class FreePort
{
    // Below the range from which Linux takes the ports of outgoing connections (32768 and up).
    private const int Lowest = 20_000;
    private const int Highest = 32_000;
    private const int Tries = 200;

    /// <summary>The port in the file if it is free, else another one, which is then written there.</summary>
    /// <exception cref="RuntimeException">None is free.</exception>
    public static int Choose(string file, Random random, Action<string> report)
    {
        if (int.TryParse(StateFolder.ReadIfThere(file), NumberStyles.None, CultureInfo.InvariantCulture, out var remembered) && remembered is > 0 and < 65_536)
        {
            if (IsFree(remembered))
            {
                return remembered;
            }

            report($"port {remembered} of the last run is taken by another program: choosing another one");
        }

        for (var i = 0; i < Tries; i++)
        {
            var port = random.Next(Lowest, Highest);
            if (IsFree(port))
            {
                StateFolder.Write(file, port.ToString(CultureInfo.InvariantCulture));
                return port;
            }
        }

        throw new RuntimeException(RuntimeFailure.Machine, $"no free port for a store: {Tries} ports between {Lowest} and {Highest} were tried on 127.0.0.1 and all are in use");
    }

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
}
