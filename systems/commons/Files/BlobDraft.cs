namespace Commons.Files;

/// <summary>A file that is being written, and not yet stored. Disposing deletes it unless it was stored. Not thread-safe.</summary>
public sealed class BlobDraft : IAsyncDisposable
{
    private readonly FileStream _file;
    private readonly string _place;

    /// <param name="folder">Where; made if need be.</param>
    /// <param name="place">What the store is called in messages.</param>
    /// <exception cref="BlobStoreException">It cannot be made.</exception>
    internal BlobDraft(string folder, string place)
    {
        _place = place;
        Path = System.IO.Path.Combine(folder, Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(folder);
            _file = new FileStream(Path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    /// <summary>Bytes written.</summary>
    public long Length => _file.Length;

    internal string Path { get; }

    /// <summary>It is stored: the file is no longer the draft's.</summary>
    internal bool IsStored { get; set; }

    /// <summary>Appends.</summary>
    /// <exception cref="BlobStoreException">The disk is full, or broken.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            await _file.WriteAsync(bytes, cancel);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    /// <summary>Appends a whole file.</summary>
    /// <exception cref="BlobStoreException">The disk is full, or broken.</exception>
    public async Task WriteAsync(string file, CancellationToken cancel)
    {
        await using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        try
        {
            await from.CopyToAsync(_file, cancel);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    /// <summary>What was written, from the beginning; the draft is only written to before. Do not dispose of it.</summary>
    public Stream Read()
    {
        _file.Position = 0;
        return _file;
    }

    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync();
        if (!IsStored)
        {
            File.Delete(Path);
        }
    }

    /// <summary>What was written is on the disk.</summary>
    internal Task FlushAsync() => Task.Run(() =>
    {
        try
        {
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    });

    private BlobStoreException Failed(Exception e) => BlobErrors.Of(e, _place);
}
