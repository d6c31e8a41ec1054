using System.Diagnostics.CodeAnalysis;

namespace Tenfold.Runtime.Processes;

/// <summary>A process that cannot be mistaken for a later one of the same number: its id, start time and boot.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="StartTicks">Clock ticks from boot to its start: field 22 of <c>/proc/PID/stat</c>.</param>
/// <param name="Boot">The kernel's boot id.</param>
public sealed record ProcessIdentity(int Pid, long StartTicks, string Boot)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current =>
        Of(Environment.ProcessId) ?? throw new RuntimeException(RuntimeFailure.Machine, "/proc is not mounted; Tenfold needs it");

    /// <summary>Whether exactly this process still runs (a zombie does not).</summary>
    public bool IsAlive => Of(Pid) is { } now && now == this;

    /// <summary>The process that has this id now, or null when none has.</summary>
    public static ProcessIdentity? Of(int pid) =>
        ProcessTable.Read(pid) is { IsRunning: true } row ? new ProcessIdentity(pid, row.StartTicks, BootId()) : null;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ProcessIdentity? identity)
    {
        identity = null;
        var parts = text?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (parts.Length < 3 || !int.TryParse(parts[0], out var pid) || pid <= 0 || !long.TryParse(parts[1], out var ticks))
        {
            return false;
        }

        identity = new ProcessIdentity(pid, ticks, parts[2]);
        return true;
    }

    /// <summary>Sends a signal, unless the process has ended; false when it has.</summary>
    public bool Signal(Signal signal) => IsAlive && Signals.Send(Pid, signal);

    public override string ToString() => $"{Pid} {StartTicks} {Boot}";

    private static string BootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
}
