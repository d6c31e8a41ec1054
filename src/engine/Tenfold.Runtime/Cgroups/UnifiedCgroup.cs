using System.Globalization;
using Tenfold.Guide;

namespace Tenfold.Runtime.Cgroups;

/// <summary>cgroup v2: one hierarchy, in which a group with children that have controllers holds no processes itself.</summary>
internal static class UnifiedCgroup
{
    private const int PeriodMicroseconds = 100_000;
    private const string Controllers = "+cpu +memory";

    public static async Task<CgroupResult> TryCreateAsync(string own, string root, string path, InstanceSize size, TimeProvider time, CancellationToken cancel)
    {
        var reasons = new List<string>();
        foreach (var parent in Candidates(own, root))
        {
            if (Enable(parent, isOwn: parent == own && !IsRealRoot(own)) is { } reason)
            {
                reasons.Add(reason);
                continue;
            }

            try
            {
                return new CgroupResult(await MakeAsync(parent, path, size, time, cancel), null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                reasons.Add($"{Path.Combine(parent, path)}: {e.Message}");
            }
        }

        return new CgroupResult(null, $"no cgroup may be divided by this user ({reasons[0]}); run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes ./tenfold up");
    }

    /// <summary>
    /// The groups above this process's own one, nearest first, then its own: that one holds this process, so it can be
    /// divided only after everything in it has moved to a group below.
    /// </summary>
    public static IEnumerable<string> Candidates(string own, string root)
    {
        for (var at = own; at != root && Path.GetDirectoryName(at) is { } above && above.Length >= root.Length; at = above)
        {
            yield return above;
        }

        yield return own;
    }

    /// <summary>Turns the controllers on for the children of a group; returns the reason when that is not possible.</summary>
    private static string? Enable(string folder, bool isOwn)
    {
        var on = Words(folder, "cgroup.subtree_control");
        if (on.Contains("cpu") && on.Contains("memory"))
        {
            return null;
        }

        var available = Words(folder, "cgroup.controllers");
        if (!available.Contains("cpu") || !available.Contains("memory"))
        {
            return $"{folder} has not both of the cpu and memory controllers";
        }

        try
        {
            if (isOwn && MoveSelf(folder) is { } reason)
            {
                return reason;
            }

            CgroupFolder.Write(folder, "cgroup.subtree_control", Controllers);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{folder}: {e.Message}";
        }
    }

    /// <summary>Moves this process into a leaf of its own group, when it is alone there: other processes are not ours to move.</summary>
    private static string? MoveSelf(string folder)
    {
        if (CgroupFolder.Processes(folder) is not [var only] || only != Environment.ProcessId)
        {
            return $"{folder} holds other processes";
        }

        var leaf = Path.Combine(folder, "tenfold-host");
        Directory.CreateDirectory(leaf);
        CgroupFolder.Write(leaf, "cgroup.procs", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return null;
    }

    private static async Task<Cgroup> MakeAsync(string parent, string path, InstanceSize size, TimeProvider time, CancellationToken cancel)
    {
        var folder = Path.Combine(parent, path);
        var group = new Cgroup(unified: true, folder, null, folder);
        await group.RemoveAsync(time, cancel); // left by an earlier run
        try
        {
            var at = parent;
            foreach (var part in path.Split('/'))
            {
                if (at != parent)
                {
                    CgroupFolder.Write(at, "cgroup.subtree_control", Controllers);
                }

                at = Path.Combine(at, part);
                Directory.CreateDirectory(at);
            }

            if (size.Cpu is { } cpu)
            {
                CgroupFolder.Write(folder, "cpu.max", string.Create(CultureInfo.InvariantCulture, $"{SplitCgroup.Quota(cpu)} {PeriodMicroseconds}"));
            }

            if (size.Memory is { } memory)
            {
                CgroupFolder.Write(folder, "memory.max", memory.Bytes.ToString(CultureInfo.InvariantCulture));
                // Swapping would turn a clear limit into an instance that is slow; absent where the kernel has no swap accounting.
                if (File.Exists(Path.Combine(folder, "memory.swap.max")))
                {
                    CgroupFolder.Write(folder, "memory.swap.max", "0");
                }
            }

            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await group.RemoveAsync(time, cancel);
            throw;
        }
    }

    /// <summary>Only the machine's root group may hold processes and divided children at once; a container's root is not it.</summary>
    private static bool IsRealRoot(string folder) => !File.Exists(Path.Combine(folder, "cgroup.type"));

    private static string[] Words(string folder, string file) =>
        (CgroupFolder.Read(folder, file) ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
