using System.Globalization;
using System.Text;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Cgroups;

/// <summary>One folder of a cgroup hierarchy: its small files.</summary>
internal static class CgroupFolder
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private const int RemoveTries = 200;

    /// <summary>Makes a group. Another system's last group may be leaving at this moment, and take the folder above with it.</summary>
    public static void Make(string folder)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                Directory.CreateDirectory(folder);
                return;
            }
            catch (IOException) when (i < 3)
            {
            }
        }
    }

    /// <summary>Writes one value; the kernel wants it in one write.</summary>
    public static void Write(string folder, string file, string value)
    {
        using var handle = File.OpenHandle(Path.Combine(folder, file), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(handle, Encoding.ASCII.GetBytes(value), 0);
    }

    public static string? Read(string folder, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, file)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file of one number; 0 when it is not there.</summary>
    public static long Number(string? folder, string file) =>
        folder is not null && long.TryParse(Read(folder, file), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>One value of a file of <c>key value</c> lines; 0 when it is not there.</summary>
    public static long Value(string? folder, string file, string key) => folder is null ? 0 : Value(Read(folder, file), key);

    /// <summary>One value of <c>key value</c> lines; 0 when it is not there.</summary>
    public static long Value(string? text, string key)
    {
        foreach (var line in (text ?? "").AsSpan().EnumerateLines())
        {
            if (line.StartsWith(key, StringComparison.Ordinal) && line.Length > key.Length && line[key.Length] == ' '
                && long.TryParse(line[(key.Length + 1)..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return value;
            }
        }

        return 0;
    }

    public static IReadOnlyList<int> Processes(string folder) =>
        [.. (Read(folder, "cgroup.procs") ?? "").Split('\n').Select(line => int.TryParse(line, out var pid) ? pid : 0).Where(pid => pid > 0)];

    public static void KillAll(string folder)
    {
        foreach (var pid in Processes(folder))
        {
            _ = Signals.Send(pid, Signal.Kill);
        }
    }

    /// <summary>Kills what is in the group and removes it, then the groups above it that Tenfold made and that are empty now.</summary>
    /// <returns>False when it is still there.</returns>
    public static async Task<bool> RemoveAsync(string folder, TimeProvider time, CancellationToken cancel)
    {
        for (var i = 0; Directory.Exists(folder); i++)
        {
            KillAll(folder);
            if (TryRemove(folder))
            {
                break;
            }

            if (i == RemoveTries)
            {
                return false;
            }

            await Task.Delay(Pause, time, cancel);
        }

        for (var above = Path.GetDirectoryName(folder); above is not null && above.Contains("/" + Cgroup.Top, StringComparison.Ordinal); above = Path.GetDirectoryName(above))
        {
            if (!TryRemove(above))
            {
                break;
            }
        }

        return true;
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            // rmdir alone: the kernel's files in it go with it.
            Directory.Delete(folder, recursive: false);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
