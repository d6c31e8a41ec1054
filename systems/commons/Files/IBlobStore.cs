namespace Commons.Files;

/// <summary>
/// Keeps files by key, where every instance of a system finds them: a folder (<see cref="FolderBlobStore"/>) or an S3-compatible service
/// (<see cref="S3BlobStore"/>). A key has folders: <c>images/7/400.webp</c>. What is stored under a key is there as a whole or not at all, and a later one
/// replaces it. Thread-safe.
/// </summary>
public interface IBlobStore
{
    /// <summary>A file to write to, which is stored by <see cref="PutAsync"/> or gone when it is disposed of.</summary>
    /// <exception cref="BlobStoreException">It cannot be made.</exception>
    BlobDraft Draft();

    /// <summary>Stores what was written to a draft; when it returns, it outlives a power failure (of the folder) or is where the service keeps it.</summary>
    /// <param name="key">Lower-case letters, digits, <c>.</c>, <c>-</c> and <c>_</c>, in two or more parts with <c>/</c> between them.</param>
    /// <param name="draft">One of this store's.</param>
    /// <param name="type">Its media type.</param>
    /// <param name="cancel">Gives it up; whether it was stored is not known then.</param>
    /// <exception cref="BlobStoreException">It was not stored; <see cref="BlobFailure.Full"/> when there is no room.</exception>
    Task PutAsync(string key, BlobDraft draft, string type, CancellationToken cancel);

    /// <summary>What is stored under a key; null when nothing is. Dispose of its content.</summary>
    /// <exception cref="BlobStoreException">Nobody knows: the store does not answer.</exception>
    Task<Blob?> OpenAsync(string key, CancellationToken cancel);

    /// <summary>Deletes everything in a folder; none is fine.</summary>
    /// <exception cref="BlobStoreException">Some of it may still be there.</exception>
    Task DeleteAsync(string folder, CancellationToken cancel);

    /// <summary>Deletes drafts that somebody left who died. Default age in rez: an hour.</summary>
    /// <returns>How many.</returns>
    int Sweep(TimeSpan age);
}

/// <summary>A stored file.</summary>
/// <param name="Content">From its beginning, seekable; reads one version of it, whatever is stored meanwhile. It may be read lazily: reading can fail with <see cref="BlobStoreException"/>.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Version">Another one for other content, without quotes: a strong validator for HTTP.</param>
/// <param name="Modified">When it was stored.</param>
public sealed record Blob(Stream Content, long Length, string Version, DateTimeOffset Modified) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>Why a store failed.</summary>
public enum BlobFailure
{
    /// <summary>It does not answer, refuses, or breaks off.</summary>
    Unavailable,

    /// <summary>There is no room.</summary>
    Full,
}

/// <summary>A store of files failed; the message says which one and how.</summary>
public sealed class BlobStoreException(BlobFailure failure, string message, Exception? inner = null) : IOException(message, inner)
{
    public BlobFailure Failure => failure;
}
