namespace Tenfold.Runtime.Processes;

/// <summary>Finds programs on PATH.</summary>
public static class Programs
{
    /// <summary>Where a system's programs may lie even if PATH (a user's, a service's) does not say so.</summary>
    private const string Always = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Full path of a program, or null when there is none that may be run.</summary>
    /// <param name="name">A name to be found, or a path that is checked only.</param>
    /// <param name="folder">What a relative path starts from. Default: the current folder.</param>
    public static string? Find(string name, string? folder = null)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            var path = Path.GetFullPath(name, folder is null ? Environment.CurrentDirectory : Path.GetFullPath(folder));
            return IsProgram(path) ? path : null;
        }

        foreach (var entry in $"{Environment.GetEnvironmentVariable("PATH")}:{Always}".Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = Path.Combine(entry, name);
            if (Path.IsPathRooted(path) && IsProgram(path))
            {
                return path;
            }
        }

        return null;
    }

    private static bool IsProgram(string path) =>
        File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None;
}
