namespace Tenfold.Caching.Loading;

/// <summary>What a caller wants of a key that is not in memory: how it is kept and how it is loaded. One flight at most uses it.</summary>
internal abstract class LoadRequest(CachePolicy policy, string[] tags)
{
    public CachePolicy Policy => policy;

    /// <summary>Names of tags, with <see cref="Coherence.TagTable.All"/> first.</summary>
    public string[] Tags => tags;

    /// <summary>False: only what is cached is wanted.</summary>
    public bool MayLoad { get; init; } = true;

    /// <summary>True: what is in memory is not an answer.</summary>
    public bool PastMemory { get; init; }

    /// <summary>True: what is found is not left in memory.</summary>
    public bool NotIntoMemory { get; init; }

    /// <summary>True: past Redis, neither read nor stored there.</summary>
    public bool PastRedis { get; init; }

    /// <summary>Version of the value that is to be replaced although it is fresh; empty for an ordinary read.</summary>
    public ReadOnlyMemory<byte> Refreshes { get; init; }

    public abstract ValueTask<Loaded> LoadAsync(CancellationToken cancel);
}
