using System.Runtime.InteropServices;

namespace Tenfold.Runtime.Processes;

/// <summary>The signals that Tenfold sends, by their Linux numbers.</summary>
public enum Signal
{
    Hangup = 1,
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>kill(2).</summary>
internal static class Signals
{
    /// <summary>Sends to a process, or with a negative id to a process group; false when there is none (or it belongs to someone else).</summary>
    public static bool Send(int pid, Signal signal) => Kill(pid, (int)signal) == 0;

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
