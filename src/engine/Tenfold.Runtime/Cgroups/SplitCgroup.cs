using System.Globalization;
using Tenfold.Guide;

namespace Tenfold.Runtime.Cgroups;

/// <summary>cgroup v1: cpu, cpuacct and memory are hierarchies of their own (or mounted together).</summary>
internal static class SplitCgroup
{
    private const int PeriodMicroseconds = 100_000;
    private const int SharesOfOneThread = 1024; // what a thread outside of any group weighs

    public static async Task<CgroupResult> TryCreateAsync(CgroupLayout layout, string path, InstanceSize size, TimeProvider time, CancellationToken cancel)
    {
        if (layout is { Cpu: null, Memory: null })
        {
            return new CgroupResult(null, "no cgroup hierarchy with the cpu or memory controller is mounted");
        }

        if ((size.Cpu is not null && layout.Cpu is null) || (size.Memory is not null && layout.Memory is null))
        {
            return new CgroupResult(null, $"no cgroup hierarchy with the {(layout.Cpu is null ? "cpu" : "memory")} controller is mounted");
        }

        var group = new Cgroup(unified: false, Below(layout.Cpu), Below(layout.CpuAccount), Below(layout.Memory));
        await group.RemoveAsync(time, cancel); // left by an earlier run
        try
        {
            foreach (var folder in group.Folders)
            {
                CgroupFolder.Make(folder);
            }

            if (layout.Cpu is { } root)
            {
                Weigh(root, path);
            }

            if (size.Cpu is { } cpu)
            {
                CgroupFolder.Write(Below(layout.Cpu)!, "cpu.cfs_period_us", PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
                CgroupFolder.Write(Below(layout.Cpu)!, "cpu.cfs_quota_us", Quota(cpu).ToString(CultureInfo.InvariantCulture));
            }

            if (size.Memory is { } memory)
            {
                var limit = memory.Bytes.ToString(CultureInfo.InvariantCulture);
                CgroupFolder.Write(Below(layout.Memory)!, "memory.limit_in_bytes", limit);
                // Only where swap is accounted for.
                if (File.Exists(Path.Combine(Below(layout.Memory)!, "memory.memsw.limit_in_bytes")))
                {
                    CgroupFolder.Write(Below(layout.Memory)!, "memory.memsw.limit_in_bytes", limit);
                }
            }

            return new CgroupResult(group, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await group.RemoveAsync(time, cancel);
            return new CgroupResult(null, $"the cgroup {path} cannot be made: {e.Message}");
        }

        string? Below(string? own) => own is null ? null : Path.Combine(own, path);
    }

    // A group weighs as much as one single thread beside it: on a busy machine all instances together would get the share of one
    // thread, far less than their guide says. The groups above the instances get the weight of 8 threads a processor.
    private static void Weigh(string root, string path)
    {
        var shares = (8L * SharesOfOneThread * Environment.ProcessorCount).ToString(CultureInfo.InvariantCulture);
        for (var above = Path.GetDirectoryName(path); !string.IsNullOrEmpty(above); above = Path.GetDirectoryName(above))
        {
            CgroupFolder.Write(Path.Combine(root, above), "cpu.shares", shares);
        }
    }

    /// <summary>Microseconds of processor time a period; the kernel takes no less than 1 ms.</summary>
    internal static long Quota(Cpu cpu) => Math.Max(1_000, (long)cpu.Millicores * PeriodMicroseconds / 1000);
}
