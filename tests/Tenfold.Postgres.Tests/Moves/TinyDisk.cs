using System.Diagnostics;
using System.Globalization;

namespace Tenfold.Postgres.Tests.Moves;

/// <summary>A file system of a few MiB, for a server that is to run out of room. Needs root.</summary>
internal sealed class TinyDisk : IDisposable
{
    private TinyDisk(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Skips the test where this machine does not let it mount.</summary>
    public static TinyDisk Mount(int mebibytes)
    {
        var folder = Directory.CreateTempSubdirectory("tenfold-disk-").FullName;
        if (!Environment.IsPrivilegedProcess || Run("mount", "-t", "tmpfs", "-o", Size(mebibytes), "tenfold-test", folder) != 0)
        {
            Directory.Delete(folder);
            Assert.Skip("a disk that is full needs root and a kernel that lets it mount a tmpfs");
        }

        Assert.Equal(0, Run("chown", "postgres", folder));
        return new TinyDisk(folder);
    }

    public void Grow(int mebibytes) => Assert.Equal(0, Run("mount", "-o", "remount," + Size(mebibytes), Folder));

    public void Dispose()
    {
        // Lazily: the server may still have files of it open.
        _ = Run("umount", "-l", Folder);
        Directory.Delete(Folder, recursive: true);
    }

    private static string Size(int mebibytes) => string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m");

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
