using System.Globalization;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>Chooses a loopback port, and keeps to it from run to run while it is free.</summary>
internal static class RememberedPort
{
    /// <summary>The port in the file if it is free, else another one, which is then written there.</summary>
    /// <exception cref="RuntimeException">None is free.</exception>
    public static int Choose(string file, Random random, Action<string> report)
    {
        if (int.TryParse(StateFolder.ReadIfThere(file), NumberStyles.None, CultureInfo.InvariantCulture, out var remembered) && remembered is > 0 and < 65_536)
        {
            if (FreePort.IsFree(remembered))
            {
                return remembered;
            }

            report($"port {remembered} of the last run is taken by another program: choosing another one");
        }

        var port = FreePort.Find(random, new HashSet<int>());
        StateFolder.Write(file, port.ToString(CultureInfo.InvariantCulture));
        return port;
    }
}
