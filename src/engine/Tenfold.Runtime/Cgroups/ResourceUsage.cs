using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Cgroups;

/// <summary>What a process and all it started have used.</summary>
/// <param name="CpuTime">Processor time so far, all cores together.</param>
/// <param name="MemoryBytes">Memory now: without file cache that the kernel can take back.</param>
/// <param name="Throttled">Time so far in which it was held back by its cpu limit.</param>
/// <param name="OutOfMemoryKills">How many of its processes the kernel has killed for being over the memory limit.</param>
public sealed record ResourceUsage(TimeSpan CpuTime, long MemoryBytes, TimeSpan Throttled, long OutOfMemoryKills)
{
    /// <summary>Summed over a session; what has ended and was not waited for is not in it. Throttling and kills cannot be known.</summary>
    public static ResourceUsage OfSession(IReadOnlyList<ProcessRow> processes, int session) =>
        Of(processes.Where(row => row.Session == session));

    /// <summary>Summed over processes. Memory that they share counts once for each of them.</summary>
    public static ResourceUsage Of(IEnumerable<ProcessRow> processes)
    {
        long ticks = 0, pages = 0;
        foreach (var row in processes)
        {
            ticks += row.CpuTicks;
            pages += row.ResidentPages;
        }

        return new ResourceUsage(TimeSpan.FromSeconds((double)ticks / ProcessTable.TicksPerSecond), pages * Environment.SystemPageSize, TimeSpan.Zero, 0);
    }
}
