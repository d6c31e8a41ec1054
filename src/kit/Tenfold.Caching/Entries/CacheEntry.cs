using System.Runtime.InteropServices;
using Tenfold.Caching.Coherence;

namespace Tenfold.Caching.Entries;

/// <summary>
/// One cached value: its bytes as they are sent, how old it may become, and the tags it stands under. Immutable but for the
/// object that was read from its bytes. Thread-safe.
/// </summary>
public sealed class CacheEntry
{
    internal const int VersionSize = 16;

    private readonly EntryImage _image;
    private readonly TagStamp _stamp;
    private readonly long _loaded; // timestamps of the cache's clock
    private object? _shared;
    private int _refreshing;
    private long _retryAt;

    internal CacheEntry(EntryImage image, TagStamp stamp, EntryTimes times)
    {
        _image = image;
        _stamp = stamp;
        _loaded = times.Loaded;
        FreshUntil = times.FreshUntil;
        EagerFrom = times.EagerFrom;
        StaleUntil = times.StaleUntil;
        Epoch = times.Epoch;
    }

    /// <summary>The value's bytes.</summary>
    public ReadOnlyMemory<byte> Payload => _image.Payload;

    /// <summary>The load found that there is no such thing, and the policy keeps that for a while.</summary>
    public bool IsNegative => (_image.Flags & EntryFlags.Negative) != EntryFlags.None;

    /// <summary>Total lifetime as it was stored, jitter included.</summary>
    public TimeSpan Lifetime => TimeSpan.FromMilliseconds(_image.LifetimeMs);

    /// <summary>Timestamp from which on the entry is not fresh any more.</summary>
    internal long FreshUntil { get; }

    /// <summary>Timestamp from which on a hit refreshes the entry in the background.</summary>
    internal long EagerFrom { get; }

    /// <summary>Timestamp up to which it may stand in for a load that fails.</summary>
    internal long StaleUntil { get; }

    /// <summary>The stretch of connection in which the server tells about changes of this entry; or <see cref="EntryTimes.Untracked"/>.</summary>
    internal int Epoch { get; }

    /// <summary>Random, 16 bytes: tells this value of the key from every other.</summary>
    internal ReadOnlySpan<byte> Version => _image.Version.Span;

    internal EntryImage Image => _image;

    /// <summary>Bytes that it takes in memory, about: with the object that was read from it, of which a text has two a character.</summary>
    internal long Size => _image.Raw.Length + (_stamp.Tags.Length * 40L) + ((_image.Flags & EntryFlags.Shared) != EntryFlags.None ? _image.Payload.Length * 2L : 0);

    /// <summary>After a load that failed: not tried again before.</summary>
    internal long RetryAt
    {
        get => Volatile.Read(ref _retryAt);
        set => Volatile.Write(ref _retryAt, value);
    }

    internal object? Shared
    {
        get => Volatile.Read(ref _shared);
        set => Volatile.Write(ref _shared, value);
    }

    /// <summary>An object made of the payload, once for this copy of the entry; everybody gets the same, so it must not change.</summary>
    public T View<T>(Func<ReadOnlyMemory<byte>, T> make)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(make);
        if (Shared is T made)
        {
            return made;
        }

        made = make(Payload);
        Shared = made;
        return made;
    }

    /// <summary>How long ago the value was loaded.</summary>
    public TimeSpan Age(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return _loaded > time.GetTimestamp() ? TimeSpan.Zero : time.GetElapsedTime(_loaded);
    }

    /// <summary>Whether none of its tags was invalidated since its load began, as far as this node has been told.</summary>
    internal bool TagsHold() => _stamp.Holds();

    internal IReadOnlyList<TagState> Tags => _stamp.Tags;

    /// <summary>The same entry, fresh for no longer than up to the timestamp.</summary>
    internal CacheEntry FreshFor(long until) =>
        new(_image, _stamp, new EntryTimes(_loaded, EagerFrom, Math.Min(FreshUntil, until), StaleUntil, Epoch)) { Shared = Shared, RetryAt = RetryAt };

    /// <summary>True for the first who asks: that one refreshes.</summary>
    internal bool ClaimRefresh() => Interlocked.Exchange(ref _refreshing, 1) == 0;

    internal void ReleaseRefresh() => Volatile.Write(ref _refreshing, 0);
}

/// <summary>An entry's times, as timestamps of the cache's clock.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EntryTimes(long Loaded, long EagerFrom, long FreshUntil, long StaleUntil, int Epoch)
{
    /// <summary>An entry that no server watches: it lives for no longer than the bound on propagation.</summary>
    public const int Untracked = -1;
}
