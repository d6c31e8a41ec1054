using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Processes;

/// <summary>
/// Store servers by where they work: they overwrite their environment (for the title that <c>ps</c> shows) and leave
/// their session, but a PostgreSQL or Redis process of a store has its data folder as its working folder.
/// </summary>
internal static class StoreServers
{
    /// <summary>Which store of this state the process serves, or null.</summary>
    public static string? StoreOf(ProcessRow row, SystemState state)
    {
        var folder = IsServer(row) ? WorkingFolder(row.Pid) : null;
        return folder is not null && Path.GetFileName(folder) == "data" && Path.GetDirectoryName(Path.GetDirectoryName(folder)) == state.Stores
            ? Path.GetFileName(Path.GetDirectoryName(folder))
            : null;
    }

    /// <summary>Kills every server process that works in a data folder; returns how many there were.</summary>
    public static int KillAll(string dataFolder)
    {
        var killed = 0;
        foreach (var row in ProcessTable.All())
        {
            if (IsServer(row) && WorkingFolder(row.Pid) == dataFolder)
            {
                _ = Signals.Send(row.Pid, Signal.Kill);
                killed++;
            }
        }

        return killed;
    }

    private static bool IsServer(ProcessRow row) => row is { IsRunning: true, Name: "postgres" or "redis-server" };

    private static string? WorkingFolder(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/cwd").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile, or another user's
        }
    }
}
