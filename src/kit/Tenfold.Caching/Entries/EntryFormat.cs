using System.Buffers.Binary;
using System.Text;

namespace Tenfold.Caching.Entries;

[Flags]
internal enum EntryFlags : byte
{
    None = 0,
    Negative = 1,

    /// <summary>Nodes keep the object beside the bytes that it was read from.</summary>
    Shared = 2,
}

/// <summary>
/// What is stored under a key: header and payload in one array, <c>Raw</c>. <c>LifetimeMs</c> is how long the value is fresh from
/// the end of its load, <c>StaleMs</c> how long it is kept beyond that for loads that fail.
/// </summary>
internal sealed record EntryImage(
    ReadOnlyMemory<byte> Raw, EntryFlags Flags, ReadOnlyMemory<byte> Version, long LifetimeMs, long StaleMs, string[] Tags, long[] Generations, ReadOnlyMemory<byte> Payload)
{
    /// <summary>It has more left than it was given, so the clock of Redis was set back: how old it is cannot be known any more.</summary>
    public bool IsOverdue(TimeSpan? timeToLive) => timeToLive is not { } left || left.TotalMilliseconds > LifetimeMs + StaleMs;
}

/// <summary>
/// The wire format of entries, version 1: <c>TFC1</c>, flags, version (16), lifetime and stale window (8 each, milliseconds),
/// count of tags (2), each generation (8), length (2), UTF-8 name; payload length (4), payload. Little-endian. No clock time is in it: how old
/// an entry is follows from the time that it still has to live in Redis.
/// </summary>
internal static class EntryFormat
{
    public const int VersionAt = 5;
    public const int MostTags = 64;

    private const int FixedSize = VersionAt + CacheEntry.VersionSize + 8 + 8 + 2;

    private static ReadOnlySpan<byte> Magic => "TFC1"u8;

    /// <exception cref="ArgumentException">Too many or too long tags.</exception>
    public static EntryImage Write(EntryFlags flags, ReadOnlySpan<byte> version, long lifetimeMs, long staleMs, string[] tags, long[] generations, ReadOnlySpan<byte> payload)
    {
        if (tags.Length > MostTags)
        {
            throw new ArgumentException($"An entry has {tags.Length} tags; allowed: at most {MostTags}.", nameof(tags));
        }

        var size = FixedSize + 4 + payload.Length;
        foreach (var tag in tags)
        {
            size += 10 + Encoding.UTF8.GetByteCount(tag);
        }

        var raw = new byte[size];
        Magic.CopyTo(raw);
        raw[4] = (byte)flags;
        version.CopyTo(raw.AsSpan(VersionAt, CacheEntry.VersionSize));
        var at = VersionAt + CacheEntry.VersionSize;
        BinaryPrimitives.WriteInt64LittleEndian(raw.AsSpan(at), lifetimeMs);
        BinaryPrimitives.WriteInt64LittleEndian(raw.AsSpan(at + 8), staleMs);
        BinaryPrimitives.WriteUInt16LittleEndian(raw.AsSpan(at + 16), (ushort)tags.Length);
        at += 18;
        for (var i = 0; i < tags.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(raw.AsSpan(at), generations[i]);
            var length = Encoding.UTF8.GetBytes(tags[i], raw.AsSpan(at + 10));
            BinaryPrimitives.WriteUInt16LittleEndian(raw.AsSpan(at + 8), checked((ushort)length));
            at += 10 + length;
        }

        BinaryPrimitives.WriteInt32LittleEndian(raw.AsSpan(at), payload.Length);
        payload.CopyTo(raw.AsSpan(at + 4));
        return new EntryImage(raw, flags, raw.AsMemory(VersionAt, CacheEntry.VersionSize), lifetimeMs, staleMs, tags, generations, raw.AsMemory(at + 4));
    }

    /// <summary>Null for whatever is not a whole entry of this version: it counts as not there.</summary>
    public static EntryImage? Read(ReadOnlyMemory<byte> raw)
    {
        var bytes = raw.Span;
        if (bytes.Length < FixedSize + 4 || !bytes.StartsWith(Magic))
        {
            return null;
        }

        var at = VersionAt + CacheEntry.VersionSize;
        var lifetime = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        var stale = BinaryPrimitives.ReadInt64LittleEndian(bytes[(at + 8)..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 16)..]);
        at += 18;
        if (count > MostTags || lifetime < 0 || stale < 0)
        {
            return null;
        }

        var (tags, generations) = (new string[count], new long[count]);
        for (var i = 0; i < count; i++)
        {
            if (bytes.Length - at < 10)
            {
                return null;
            }

            generations[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 8)..]);
            at += 10;
            if (bytes.Length - at < length)
            {
                return null;
            }

            tags[i] = Encoding.UTF8.GetString(bytes.Slice(at, length));
            at += length;
        }

        if (bytes.Length - at < 4 || BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]) != bytes.Length - at - 4)
        {
            return null;
        }

        return new EntryImage(raw, (EntryFlags)bytes[4], raw.Slice(VersionAt, CacheEntry.VersionSize), lifetime, stale, tags, generations, raw[(at + 4)..]);
    }
}
