namespace Tenfold.Runtime.State;

/// <summary>Folders and small files of the state, with errors that say what to do.</summary>
public static class StateFolder
{
    /// <summary>0755: store servers of another user must be able to pass through.</summary>
    private const UnixFileMode Traversable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Makes a folder and its parents, 0755 whatever the umask says.</summary>
    /// <exception cref="RuntimeException">It cannot be made.</exception>
    public static void Make(string folder)
    {
        if (!Directory.Exists(folder))
        {
            Guarded(folder, () =>
            {
                Directory.CreateDirectory(folder, Traversable);
                File.SetUnixFileMode(folder, Traversable);
            });
        }
    }

    /// <summary>Fails when a folder in a place that everyone may write to was made by somebody else, or leads elsewhere.</summary>
    /// <exception cref="RuntimeException">It is not this user's.</exception>
    public static void CheckOwn(string folder)
    {
        try
        {
            if (new DirectoryInfo(folder).LinkTarget is null)
            {
                // Only its owner may change a folder's mode.
                File.SetUnixFileMode(folder, Traversable);
                return;
            }
        }
        catch (UnauthorizedAccessException)
        {
        }

        throw new RuntimeException(RuntimeFailure.Machine, $"{folder} was made by somebody else; remove it, or set TENFOLD_STATE to a folder with a shorter path, so that it is not needed");
    }

    /// <summary>Writes a file whole or not at all: to a temporary name, then renamed.</summary>
    /// <param name="file">The file; replaced when it is there.</param>
    /// <param name="text">Its content.</param>
    /// <param name="secret">Readable by its owner only (0600).</param>
    public static void Write(string file, string text, bool secret = false) => Guarded(file, () =>
    {
        var temporary = $"{file}.{Environment.ProcessId}.tmp";
        try
        {
            var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var stream = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = secret ? mode : mode | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
            }))
            {
                stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: secret);
            }

            File.Move(temporary, file, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    });

    /// <summary>The content of a file that may be missing.</summary>
    /// <exception cref="RuntimeException">It is another user's.</exception>
    public static string? ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{file} cannot be read by {Environment.UserName}: it was made by another user; run as that one, or set TENFOLD_STATE to another folder", e);
        }
    }

    /// <summary>Fails when nothing can be written into the folder.</summary>
    /// <exception cref="RuntimeException">It cannot be written, or its disk is full.</exception>
    public static void CheckWritable(string folder)
    {
        var probe = Path.Combine(folder, $".write-{Environment.ProcessId}");
        Guarded(folder, () =>
        {
            try
            {
                File.WriteAllText(probe, "tenfold");
            }
            finally
            {
                File.Delete(probe);
            }
        });
    }

    internal static void Guarded(string path, Action action)
    {
        try
        {
            action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RuntimeException(
                RuntimeFailure.Machine,
                $"{path} cannot be written by {Environment.UserName}: {e.Message}; set TENFOLD_STATE to a folder that you own, or change its owner",
                e);
        }
        catch (IOException e)
        {
            throw new RuntimeException(
                RuntimeFailure.Machine,
                DiskSpace.Full(path) is { } full ? full : $"{path} cannot be written: {e.Message}; set TENFOLD_STATE to another folder",
                e);
        }
    }
}
