using System.Security.Cryptography;
using System.Text;

namespace Tenfold.Runtime.State;

/// <summary>Every path of one system's state folder. Immutable; thread-safe.</summary>
/// <remarks>
/// The folder lies outside the checkout: <c>$TENFOLD_STATE/SYSTEM</c>, else <c>/var/lib/tenfold/SYSTEM</c> for root and
/// <c>~/.local/state/tenfold/SYSTEM</c> (or <c>$XDG_STATE_HOME/tenfold/SYSTEM</c>) for anyone else.
/// </remarks>
public sealed class SystemState
{
    /// <summary>Longest path of a Unix socket that the kernel takes, in bytes.</summary>
    public const int LongestSocketPath = 107;

    private const int LongestSocketName = 61; // "/" + a server's name: a store's, at most 40, and "_63.8" + "/.s.PGSQL.65535"

    private SystemState(string system, string folder)
    {
        System = system;
        Folder = folder;
        Key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..8];
        Run = Encoding.UTF8.GetByteCount(folder) + "/run".Length + LongestSocketName <= LongestSocketPath
            ? Path.Combine(folder, "run")
            : Environment.IsPrivilegedProcess ? Path.Combine("/run/tenfold", Key)
            : Path.Combine("/tmp", $"tenfold-{Environment.UserName}-{Key}");
    }

    /// <summary>The system's name.</summary>
    public string System { get; }

    /// <summary>The state folder, absolute.</summary>
    public string Folder { get; }

    /// <summary>Short and stable name of the folder, for what must be unique on the machine (cgroups).</summary>
    public string Key { get; }

    /// <summary>Sockets and pid files. Elsewhere (<c>/run/tenfold</c> for root, else <c>/tmp</c>) when the folder's path is too long for a Unix socket.</summary>
    public string Run { get; }

    /// <summary>Output of instances and stores.</summary>
    public string Logs => Path.Combine(Folder, "logs");

    /// <summary>Data of the stores, a folder each.</summary>
    public string Stores => Path.Combine(Folder, "stores");

    /// <summary>Files that the services keep, all instances in one folder.</summary>
    public string Files => Path.Combine(Folder, "files");

    /// <summary>Held by the host for as long as it lives.</summary>
    public string LockFile => Path.Combine(Folder, "host.lock");

    /// <summary>Identity of the process that holds <see cref="LockFile"/>.</summary>
    public string HostFile => Path.Combine(Folder, "host.pid");

    /// <summary>The control socket of the host.</summary>
    public string ControlSocket => Path.Combine(Run, "control.sock");

    /// <summary>Folder of one store's data and password.</summary>
    public string Store(string name) => Path.Combine(Stores, name);

    /// <summary>Published output of one project.</summary>
    public string Build(string project) => Path.Combine(Folder, "build", project);

    /// <summary>Current log file of an instance or a store.</summary>
    public string LogFile(string name) => Path.Combine(Logs, name + ".log");

    /// <summary>Pid file of a child process.</summary>
    public string PidFile(string name) => Path.Combine(Run, name + ".pid");

    /// <summary>Unix socket of an instance.</summary>
    public string Socket(string name) => Path.Combine(Run, name + ".sock");

    /// <summary>The state of a system at its usual place; nothing is created yet.</summary>
    /// <param name="system">The system's name.</param>
    /// <param name="environment">Environment variables; this process's when not given.</param>
    public static SystemState Of(string system, Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        var root = Text("TENFOLD_STATE");
        if (root is null && Environment.IsPrivilegedProcess)
        {
            root = "/var/lib/tenfold";
        }

        root ??= Text("XDG_STATE_HOME") is { } xdg
            ? Path.Combine(xdg, "tenfold")
            : Path.Combine(
                Text("HOME") ?? throw new RuntimeException(RuntimeFailure.Machine, "no place for the state: neither TENFOLD_STATE nor HOME is set; set TENFOLD_STATE to a folder"),
                ".local/state/tenfold");
        return At(Path.Combine(root, system), system);

        string? Text(string name) => environment(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>The state of a system in a folder of the caller's choice; nothing is created yet.</summary>
    public static SystemState At(string folder, string system) =>
        new(system, Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    /// <summary>Whether Tenfold has made this folder: any other one of this name is somebody else's.</summary>
    public bool IsThere => System.Length > 0 && Directory.Exists(Logs) && Directory.Exists(Stores);

    /// <summary>Makes the folders that are not there yet.</summary>
    /// <exception cref="RuntimeException">The folder cannot be made or written.</exception>
    public void Create()
    {
        foreach (var folder in (ReadOnlySpan<string>)[Folder, Run, Logs, Stores])
        {
            StateFolder.Make(folder);
        }

        if (Path.GetDirectoryName(Run) == "/tmp")
        {
            StateFolder.CheckOwn(Run);
        }

        StateFolder.CheckWritable(Folder);
    }

    /// <summary>Deletes what Tenfold keeps in the folder, and the folder itself unless somebody else keeps something there. Nothing of the system may be running.</summary>
    /// <returns>False when the folder is still there, with what is not Tenfold's.</returns>
    /// <exception cref="RuntimeException">Something in it cannot be deleted.</exception>
    public bool Delete()
    {
        foreach (var folder in (ReadOnlySpan<string>)[Run, Logs, Path.Combine(Folder, "build"), Stores])
        {
            if (Directory.Exists(folder))
            {
                StateFolder.Guarded(folder, () => Directory.Delete(folder, recursive: true));
            }
        }

        if (Directory.Exists(Folder))
        {
            // The lock last: until then nobody else can start.
            StateFolder.Guarded(Folder, () => File.Delete(HostFile));
            StateFolder.Guarded(Folder, () => File.Delete(LockFile));
            if (!Directory.EnumerateFileSystemEntries(Folder).Any())
            {
                StateFolder.Guarded(Folder, () => Directory.Delete(Folder));
            }
        }

        return !Directory.Exists(Folder);
    }

    public override string ToString() => Folder;
}
