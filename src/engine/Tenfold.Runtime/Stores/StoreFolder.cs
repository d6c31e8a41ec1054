using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>The folders of one store, and who owns them.</summary>
/// <param name="name">The store.</param>
/// <param name="state">Its system's state.</param>
/// <param name="owner">The user that its server runs as; null when that is the caller.</param>
internal sealed class StoreFolder(string name, SystemState state, SystemUser? owner)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public string Root { get; } = state.Store(name);

    /// <summary>Its system's state folder.</summary>
    public string State { get; } = state.Folder;

    /// <summary>The server's data, and its working folder.</summary>
    public string Data => Path.Combine(Root, "data");

    public string PortFile => Path.Combine(Root, "port");

    /// <summary>Folder of the server's Unix socket.</summary>
    public string Socket { get; } = Path.Combine(state.Run, name);

    /// <summary>Makes the folders; whatever lies in the socket's folder is of an earlier run.</summary>
    public void Create()
    {
        StateFolder.Make(Root);
        StateFolder.CheckWritable(Root);
        if (Directory.Exists(Socket))
        {
            Directory.Delete(Socket, recursive: true);
        }

        StateFolder.Make(Socket);
        Give(Socket);
    }

    /// <summary>Makes an empty folder of mode 0700 that belongs to the server's user, in place of what is there.</summary>
    public void MakeFresh(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        StateFolder.Guarded(folder, () => Directory.CreateDirectory(folder, OwnerOnly));
        Give(folder);
        CheckReachable(folder);
    }

    /// <summary>A folder that is there already must belong to the server's user: the last run may have been another user's, or a copy's.</summary>
    public void CheckOwner(string folder, string server)
    {
        if (owner is not null)
        {
            Give(folder);
            foreach (var entry in Directory.EnumerateFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }))
            {
                Give(entry);
            }

            CheckReachable(folder);
        }
        else if (Chown(folder, UserId(), -1) != 0)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{folder} belongs to another user than {Environment.UserName}, and {server} takes no data of another user; run as the user that made it (root: with sudo), or set TENFOLD_STATE to another folder");
        }
    }

    /// <summary>The secret in a file of the store, made on first use: 32 random hexadecimal digits, readable by the caller only.</summary>
    public string Secret(string file)
    {
        var path = Path.Combine(Root, file);
        StateFolder.Make(Root);
        if (StateFolder.ReadIfThere(path) is { Length: > 0 } known)
        {
            return known.Trim();
        }

        var made = RandomNumberGenerator.GetHexString(32, lowercase: true);
        StateFolder.Write(path, made, secret: true);
        return made;
    }

    /// <summary>Writes a configuration file that the server's user alone may read.</summary>
    public string Configure(string file, string text)
    {
        var path = Path.Combine(Root, file);
        StateFolder.Write(path, text, secret: true);
        Give(path);
        return path;
    }

    /// <summary>Gives a file to the server's user.</summary>
    public void Give(string path)
    {
        if (owner is not null && Chown(path, owner.UserId, owner.GroupId) != 0)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{path} cannot be given to the user {owner.Name} (error {Marshal.GetLastPInvokeError()}); set TENFOLD_STATE to a folder on a local disk");
        }
    }

    // Names the folder that is in the way: the server's own message would name the last one only.
    private void CheckReachable(string folder)
    {
        for (var at = Path.GetDirectoryName(folder); owner is not null && at is not null; at = Path.GetDirectoryName(at))
        {
            if ((File.GetUnixFileMode(at) & UnixFileMode.OtherExecute) == UnixFileMode.None)
            {
                throw new RuntimeException(
                    RuntimeFailure.Machine,
                    $"the user {owner.Name}, as which the store {name} runs, cannot pass through {at} (its mode is {Convert.ToString((int)File.GetUnixFileMode(at), 8).PadLeft(4, '0')}); allow it: chmod o+x {at}, or set TENFOLD_STATE to a folder such as /var/lib/tenfold");
            }
        }
    }

    private static int UserId()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
            {
                return int.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture);
            }
        }

        return -1;
    }

    [DllImport("libc", EntryPoint = "lchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int owner, int group);
}
