using System.Runtime.InteropServices;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Coherence;

/// <summary>What a read of an entry found.</summary>
internal enum ReadState
{
    /// <summary>Redis is not to be used now.</summary>
    Failed,
    Missing,

    /// <summary>There, but a tag was invalidated since.</summary>
    Invalid,
    Fresh,

    /// <summary>Expired; may stand in for a load that fails.</summary>
    Stale,
}

/// <summary>An entry as it stands in Redis; <c>Known</c> is the version there, whatever it is, and empty for none.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReadResult(CacheEntry? Entry, ReadState State, ReadOnlyMemory<byte> Known);

internal enum GrantState
{
    Failed,
    Acquired,

    /// <summary>The entry is another one by now: read it again.</summary>
    Changed,
    Held,
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct Grant(GrantState State, byte[]? Holder);

internal enum StoreState
{
    /// <summary>No answer: it may be stored or not.</summary>
    Unknown,
    Stored,
    Overtaken,

    /// <summary>Redis has no memory for it; the value is right.</summary>
    Full,
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct StoreResult(StoreState State, CacheEntry? Entry);
