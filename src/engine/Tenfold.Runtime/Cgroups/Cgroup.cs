using Tenfold.Guide;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Cgroups;

/// <summary>A cgroup, or the reason why there is none.</summary>
/// <param name="Group">The group; null when it could not be made.</param>
/// <param name="Reason">Why not, in one sentence; null when it was.</param>
public sealed record CgroupResult(Cgroup? Group, string? Reason);

/// <summary>The control group of one child: its limits and what it uses. Thread-safe.</summary>
public sealed class Cgroup
{
    /// <summary>Tenfold's folder in each hierarchy.</summary>
    internal const string Top = "tenfold";

    private readonly bool _unified;
    private readonly string? _cpu;
    private readonly string? _account;
    private readonly string? _memory;

    internal Cgroup(bool unified, string? cpu, string? account, string? memory)
    {
        (_unified, _cpu, _account, _memory) = (unified, cpu, account, memory);
        Folders = [.. new[] { cpu, account, memory }.OfType<string>().Distinct()];
    }

    /// <summary>Its folder in each hierarchy: one for v2, up to three for v1.</summary>
    public IReadOnlyList<string> Folders { get; }

    /// <summary>
    /// Makes a group with the limits of <paramref name="size"/> (nothing said is no limit) below this process's own group.
    /// One that an earlier run left is replaced, and what is in it is killed.
    /// </summary>
    /// <param name="state">Whose; two state folders never share a group.</param>
    /// <param name="name">Unique in the system: <c>api-2</c>.</param>
    /// <param name="size">The limits.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="layout">Where the hierarchies are; this machine's when not given.</param>
    public static async Task<CgroupResult> TryCreateAsync(
        SystemState state, string name, InstanceSize size, TimeProvider time, CancellationToken cancel, CgroupLayout? layout = null)
    {
        layout ??= CgroupLayout.OfThisProcess();
        var path = Path.Combine(FolderOf(state), name);
        return layout.Unified is { } own
            ? await UnifiedCgroup.TryCreateAsync(own, layout.UnifiedRoot!, path, size, time, cancel)
            : await SplitCgroup.TryCreateAsync(layout, path, size, time, cancel);
    }

    /// <summary>Kills and removes every group of a state folder that is found from here.</summary>
    public static async Task RemoveAllAsync(SystemState state, TimeProvider time, CancellationToken cancel = default)
    {
        var layout = CgroupLayout.OfThisProcess();
        string?[] split = [layout.Cpu, layout.CpuAccount, layout.Memory];
        var parents = layout.Unified is { } own ? UnifiedCgroup.Candidates(own, layout.UnifiedRoot!) : split.OfType<string>();
        foreach (var parent in parents.Distinct())
        {
            var folder = Path.Combine(parent, FolderOf(state));
            foreach (var group in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
            {
                await CgroupFolder.RemoveAsync(group, time, cancel);
            }
        }
    }

    private static string FolderOf(SystemState state) => Path.Combine(Top, $"{state.System}-{state.Key}");

    /// <summary>What the processes in it have used; zeros once it is removed.</summary>
    public ResourceUsage Usage() => _unified
        ? new ResourceUsage(
            Microseconds(CgroupFolder.Value(_cpu, "cpu.stat", "usage_usec")),
            Math.Max(0, CgroupFolder.Number(_memory, "memory.current") - CgroupFolder.Value(_memory, "memory.stat", "inactive_file")),
            Microseconds(CgroupFolder.Value(_cpu, "cpu.stat", "throttled_usec")),
            CgroupFolder.Value(_memory, "memory.events", "oom_kill"))
        : new ResourceUsage(
            Nanoseconds(CgroupFolder.Number(_account, "cpuacct.usage")),
            Math.Max(0, CgroupFolder.Number(_memory, "memory.usage_in_bytes") - CgroupFolder.Value(_memory, "memory.stat", "total_inactive_file")),
            Nanoseconds(CgroupFolder.Value(_cpu, "cpu.stat", "throttled_time")),
            CgroupFolder.Value(_memory, "memory.oom_control", "oom_kill"));

    /// <summary>Kills every process in it.</summary>
    public void KillAll()
    {
        foreach (var folder in Folders)
        {
            CgroupFolder.KillAll(folder);
        }
    }

    /// <summary>Kills what is left in it and removes it; may be called twice.</summary>
    /// <returns>False when the kernel keeps it for longer than two seconds.</returns>
    public async Task<bool> RemoveAsync(TimeProvider time, CancellationToken cancel = default)
    {
        var gone = true;
        foreach (var folder in Folders)
        {
            gone &= await CgroupFolder.RemoveAsync(folder, time, cancel);
        }

        return gone;
    }

    private static TimeSpan Microseconds(long n) => new(n * TimeSpan.TicksPerMicrosecond);

    private static TimeSpan Nanoseconds(long n) => new(n / TimeSpan.NanosecondsPerTick);
}
