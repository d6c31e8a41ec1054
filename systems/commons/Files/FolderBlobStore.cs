using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Commons.Files;

/// <summary>
/// Files in a folder that all instances share: one machine, or a network file system with atomic renames. A file is written beside the others,
/// brought to the disk, and then renamed to its place. Folders are spread by two bytes of a hash, so that none of them has very many entries.
/// </summary>
/// <param name="folder">Absolute; made when the first file comes.</param>
/// <param name="time">For the age of drafts.</param>
public sealed class FolderBlobStore(string folder, TimeProvider time) : IBlobStore
{
    private readonly string _incoming = Path.Combine(folder, "incoming");
    private readonly string _place = $"the folder {folder}";

    public BlobDraft Draft() => new(_incoming, _place);

    public async Task PutAsync(string key, BlobDraft draft, string type, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(draft);
        var path = PathOf(key);
        await draft.FlushAsync();
        cancel.ThrowIfCancellationRequested();
        try
        {
            var parent = Path.GetDirectoryName(path)!;
            var isNew = !Directory.Exists(parent);
            Directory.CreateDirectory(parent);
            File.Move(draft.Path, path, overwrite: true);
            draft.IsStored = true;
            // The name is on the disk, and those of the folders that were made for it.
            for (var at = parent; at.Length >= folder.Length; at = isNew ? Path.GetDirectoryName(at)! : "")
            {
                Synchronise(at);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BlobErrors.Of(e, _place);
        }
    }

    public Task<Blob?> OpenAsync(string key, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            var file = new FileStream(PathOf(key), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous);
            var modified = File.GetLastWriteTimeUtc(file.SafeFileHandle);
            return Task.FromResult<Blob?>(new Blob(file, file.Length, string.Create(CultureInfo.InvariantCulture, $"{modified.Ticks:x}-{file.Length:x}"), new DateTimeOffset(modified)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<Blob?>(null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BlobErrors.Of(e, _place);
        }
    }

    public Task DeleteAsync(string folder, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            Directory.Delete(PathOfFolder(folder), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody else was here before.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BlobErrors.Of(e, _place);
        }

        return Task.CompletedTask;
    }

    public int Sweep(TimeSpan age)
    {
        var before = (time.GetUtcNow() - age).UtcDateTime;
        var swept = 0;
        foreach (var draft in Directory.Exists(_incoming) ? Directory.EnumerateFiles(_incoming) : [])
        {
            if (File.GetLastWriteTimeUtc(draft) < before)
            {
                File.Delete(draft);
                swept++;
            }
        }

        return swept;
    }

    /// <summary><c>images/7/400.webp</c> is at <c>images/3f/a2/7/400.webp</c>.</summary>
    internal string PathOf(string key)
    {
        BlobKey.Check(key, parts: 2);
        var end = key.LastIndexOf('/');
        return Path.Combine(PathOfFolder(key[..end]), key[(end + 1)..]);
    }

    private string PathOfFolder(string name)
    {
        BlobKey.Check(name, parts: 1);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(name));
        var end = name.LastIndexOf('/');
        return Path.Combine(folder, end < 0 ? "" : name[..end], Convert.ToHexStringLower(hash.AsSpan(0, 1)), Convert.ToHexStringLower(hash.AsSpan(1, 1)), name[(end + 1)..]);
    }

    // .NET opens no folders.
    private static void Synchronise(string path)
    {
        const int ReadOnly = 0;
        if (!OperatingSystem.IsLinux() || Open(path, ReadOnly) is not (>= 0 and var descriptor))
        {
            return;
        }

        try
        {
            if (Synchronise(descriptor) != 0 && Marshal.GetLastPInvokeError() is 5 or 28) // EIO, ENOSPC; a file system may know nothing of it
            {
                throw new IOException($"fsync of {path} failed", Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Synchronise(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
