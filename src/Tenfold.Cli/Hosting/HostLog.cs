namespace Tenfold.Cli.Hosting;

/// <summary>
/// Keeps <c>logs/host.log</c> small. It is a host's standard output, which the host cannot open anew, and what .NET itself writes
/// there must not be lost; so it is copied and emptied in place, and both ends go on with the same file.
/// </summary>
internal static class HostLog
{
    private const long Largest = 10 << 20;

    /// <summary>Copies it to <c>host.log.1</c> and empties it when it is larger than 10 MiB.</summary>
    /// <exception cref="IOException">The disk does not take the copy; the log is as it was.</exception>
    public static void Rotate(string log, long largest = Largest)
    {
        if (!File.Exists(log) || new FileInfo(log).Length <= largest)
        {
            return;
        }

        File.Copy(log, log + ".1", overwrite: true);
        using var stream = new FileStream(log, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        stream.SetLength(0);
    }
}
