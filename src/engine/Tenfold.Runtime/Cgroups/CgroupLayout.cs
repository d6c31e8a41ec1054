using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tenfold.Runtime.Cgroups;

/// <summary>A mounted cgroup hierarchy, from one line of <c>/proc/self/mountinfo</c>.</summary>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Root">Which of its groups is mounted there; <c>/</c> unless in a container without a cgroup namespace.</param>
/// <param name="Version">1 or 2.</param>
/// <param name="Controllers">Controllers of a v1 hierarchy (<c>cpu</c>, <c>name=systemd</c>); empty for v2.</param>
public sealed record CgroupMount(string MountPoint, string Root, int Version, IReadOnlyList<string> Controllers)
{
    private static readonly HashSet<string> NotControllers = ["rw", "ro", "xattr", "clone_children", "noprefix", "nsdelegate", "memory_recursiveprot", "none"];

    /// <summary>Reads one line; false when it is no cgroup mount.</summary>
    public static bool TryParse(string line, [NotNullWhen(true)] out CgroupMount? mount)
    {
        mount = null;
        var halves = line.Split(" - ", 2);
        if (halves.Length < 2)
        {
            return false;
        }

        var left = halves[0].Split(' ');
        var right = halves[1].Split(' ');
        if (left.Length < 6 || right.Length < 3)
        {
            return false;
        }

        mount = right[0] switch
        {
            "cgroup" => new CgroupMount(Unescape(left[4]), Unescape(left[3]), 1, [.. right[2].Split(',').Where(option => !NotControllers.Contains(option))]),
            "cgroup2" => new CgroupMount(Unescape(left[4]), Unescape(left[3]), 2, []),
            _ => null,
        };
        return mount is not null;
    }

    /// <summary>Folder of a group named in <c>/proc/self/cgroup</c>; the mount point itself when that group lies outside of the mount.</summary>
    public string FolderOf(string group)
    {
        var relative = Root == "/" ? group
            : group == Root ? ""
            : group.StartsWith(Root + "/", StringComparison.Ordinal) ? group[Root.Length..]
            : "";
        return relative.Contains("/..", StringComparison.Ordinal) ? MountPoint : Path.TrimEndingDirectorySeparator(MountPoint + relative);
    }

    // mountinfo writes space, tab, newline and backslash as \ooo
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)Convert.ToInt32(text.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }
}

/// <summary>Where this process's own groups lie, by controller.</summary>
/// <param name="Unified">Its v2 group, when v2 has the cpu and memory controllers; null when v1 has them.</param>
/// <param name="UnifiedRoot">The mount point of v2.</param>
/// <param name="Cpu">v1: its cpu group.</param>
/// <param name="CpuAccount">v1: its cpuacct group.</param>
/// <param name="Memory">v1: its memory group.</param>
public sealed record CgroupLayout(string? Unified, string? UnifiedRoot, string? Cpu, string? CpuAccount, string? Memory)
{
    /// <summary>The layout of this machine.</summary>
    public static CgroupLayout OfThisProcess() =>
        Parse(File.ReadAllText("/proc/self/mountinfo"), File.ReadAllText("/proc/self/cgroup"), folder => ReadControllers(folder));

    /// <summary>Reads the two files of proc(5).</summary>
    /// <param name="mountinfo">Content of <c>/proc/self/mountinfo</c>.</param>
    /// <param name="cgroup">Content of <c>/proc/self/cgroup</c>.</param>
    /// <param name="controllersOf">Content of a folder's <c>cgroup.controllers</c>.</param>
    public static CgroupLayout Parse(string mountinfo, string cgroup, Func<string, string> controllersOf)
    {
        var groups = new Dictionary<string, string>();
        foreach (var line in cgroup.Split('\n'))
        {
            // 4:memory:/user.slice or 0::/user.slice
            var fields = line.Split(':', 3);
            if (fields.Length == 3)
            {
                foreach (var controller in fields[1].Split(','))
                {
                    groups[controller] = fields[2].TrimEnd('\r');
                }
            }
        }

        string? unified = null, root = null, cpu = null, account = null, memory = null;
        foreach (var line in mountinfo.Split('\n'))
        {
            if (!CgroupMount.TryParse(line, out var mount))
            {
                continue;
            }

            if (mount.Version == 2 && groups.TryGetValue("", out var own))
            {
                // In the hybrid layout v2 is mounted as well, but without controllers.
                var controllers = controllersOf(mount.MountPoint).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (controllers.Contains("memory") || controllers.Contains("cpu"))
                {
                    (unified, root) = (mount.FolderOf(own), mount.MountPoint);
                }
            }

            cpu ??= V1(mount, "cpu");
            account ??= V1(mount, "cpuacct");
            memory ??= V1(mount, "memory");
        }

        return new CgroupLayout(unified, root, cpu, account, memory);

        string? V1(CgroupMount mount, string controller) =>
            mount.Version == 1 && mount.Controllers.Contains(controller) && groups.TryGetValue(controller, out var group) ? mount.FolderOf(group) : null;
    }

    private static string ReadControllers(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cgroup.controllers"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
