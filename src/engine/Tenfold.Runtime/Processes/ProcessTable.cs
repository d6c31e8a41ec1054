using System.Globalization;

namespace Tenfold.Runtime.Processes;

/// <summary>One line of <c>/proc/PID/stat</c>.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Name">Its command name, at most 15 characters.</param>
/// <param name="State">R, S, D, T, Z (zombie), X …</param>
/// <param name="Parent">Parent's process id.</param>
/// <param name="Group">Process group.</param>
/// <param name="Session">Session: the id of the process that called setsid.</param>
/// <param name="CpuTicks">User and system time of it and of its ended children, in clock ticks of 10 ms.</param>
/// <param name="StartTicks">Start, in clock ticks since boot.</param>
/// <param name="ResidentPages">Resident memory in pages.</param>
public sealed record ProcessRow(int Pid, string Name, char State, int Parent, int Group, int Session, long CpuTicks, long StartTicks, long ResidentPages)
{
    /// <summary>False for a zombie, which only waits to be reaped.</summary>
    public bool IsRunning => State is not ('Z' or 'X' or 'x');
}

/// <summary>Reads <c>/proc</c>.</summary>
public static class ProcessTable
{
    /// <summary>Clock ticks a second in /proc: fixed at 100 for every Linux user space (USER_HZ).</summary>
    public const int TicksPerSecond = 100;

    /// <summary>Every process that can be seen.</summary>
    public static IReadOnlyList<ProcessRow> All()
    {
        var rows = new List<ProcessRow>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Read(pid) is { } row)
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    /// <summary>One process, or null when there is none of this id.</summary>
    public static ProcessRow? Read(int pid)
    {
        try
        {
            return Parse(File.ReadAllText($"/proc/{pid}/stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile
        }
    }

    /// <summary>Reads a line of <c>/proc/PID/stat</c>; null when it is not one. The name may hold spaces and parentheses.</summary>
    public static ProcessRow? Parse(string line)
    {
        var open = line.IndexOf('(', StringComparison.Ordinal);
        var close = line.LastIndexOf(')');
        if (open < 1 || close < open || !int.TryParse(line.AsSpan(0, open).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return null;
        }

        // fields[0] is field 3 of proc(5)
        var fields = line[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (fields.Length < 22 || fields[0].Length != 1)
        {
            return null;
        }

        return Number(1) is { } parent && Number(2) is { } group && Number(3) is { } session
            && Number(11) is { } user && Number(12) is { } system && Number(13) is { } childUser && Number(14) is { } childSystem
            && Number(19) is { } start && Number(21) is { } resident
            ? new ProcessRow(pid, line[(open + 1)..close], fields[0][0], (int)parent, (int)group, (int)session, user + system + childUser + childSystem, start, resident)
            : null;

        long? Number(int i) => long.TryParse(fields[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n : null;
    }

    /// <summary>The process, what it started and what those started, as far as the parents still tell.</summary>
    public static IReadOnlyList<ProcessRow> Tree(IReadOnlyList<ProcessRow> all, int root)
    {
        var known = new HashSet<int> { root };
        var tree = new List<ProcessRow>();
        bool grew;
        do
        {
            grew = false;
            foreach (var row in all)
            {
                if ((row.Pid == root || known.Contains(row.Parent)) && !tree.Contains(row))
                {
                    known.Add(row.Pid);
                    tree.Add(row);
                    grew = true;
                }
            }
        }
        while (grew);
        return tree;
    }
}
