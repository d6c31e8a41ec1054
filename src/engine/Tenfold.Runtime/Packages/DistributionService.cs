namespace Tenfold.Runtime.Packages;

/// <summary>
/// The system-wide service that comes with a package. Tenfold runs its own servers, so one that its install has brought
/// is stopped and turned off; one that was there before is never touched.
/// </summary>
internal sealed class DistributionService(string name, IReadOnlyList<string> prefix, Func<IReadOnlyList<string>, Action<string>, CancellationToken, Task<int>> run)
{
    private static readonly string[] UnitFolders = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];

    /// <summary>Whether the service was known before.</summary>
    public bool IsKnown => File.Exists(InitScript) || UnitFolders.Any(folder => File.Exists(Path.Combine(folder, name + ".service")));

    private string InitScript => Path.Combine("/etc/init.d", name);

    public async Task TurnOffAsync(CancellationToken cancel)
    {
        if (Directory.Exists("/run/systemd/system"))
        {
            _ = await run([.. prefix, "systemctl", "disable", "--now", name], _ => { }, cancel);
        }
        else if (File.Exists(InitScript))
        {
            _ = await run([.. prefix, InitScript, "stop"], _ => { }, cancel);
        }
    }
}
