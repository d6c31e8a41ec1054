using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Tenfold.Caching.Entries;

/// <summary>
/// Names of keys and tags inside the cache. An ordinary text is its own name; one that is long or empty, has a brace (both
/// mean something to a Redis Cluster), a control character or broken surrogates is named by its SHA-256. Names never meet: a hashed one begins with U+0001.
/// </summary>
internal static class KeyNames
{
    public const int LongestPlain = 200;

    private const char HashedMark = '\u0001';

    private static readonly SearchValues<char> Special = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(c => (char)c), '{', '}', .. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    /// <summary>The key itself, without a copy, when it is plain.</summary>
    public static string Of(string key)
    {
        if (key.Length is > 0 and <= LongestPlain && !key.AsSpan().ContainsAny(Special))
        {
            return key;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan()), hash);
        return HashedMark + Convert.ToHexStringLower(hash);
    }

    /// <summary>Whether a key could be taken for another one's name if it were looked up as it is.</summary>
    public static bool NeedsCare(string key) => key.Length > 0 && key[0] == HashedMark;
}

/// <summary>The keys in Redis. An entry and its lock are in one slot of a cluster.</summary>
internal sealed class RedisKeys(string prefix)
{
    private readonly string _entries = $"{prefix}:e:";
    private readonly string _tags = $"{prefix}:t:{{";

    public byte[] Entry(string partition, string name) => Encoding.UTF8.GetBytes($"{_entries}{partition}:{{{name}}}");

    public byte[] Lock(string partition, string name) => Encoding.UTF8.GetBytes($"{prefix}:l:{partition}:{{{name}}}");

    public byte[] Tag(string name) => Encoding.UTF8.GetBytes($"{_tags}{name}}}");

    /// <summary>Beats while the node lives.</summary>
    public byte[] Node(string node) => Encoding.UTF8.GetBytes($"{prefix}:n:{node}");

    /// <summary>Names the server's run that the entries belong to. In the slot of the tag that is on every entry.</summary>
    public byte[] Run(string name) => Encoding.UTF8.GetBytes($"{prefix}:r:{{{name}}}");

    /// <summary>What an invalidated key of Redis is here: an entry of a partition, or a tag; false for any other.</summary>
    public bool TryParse(ReadOnlySpan<byte> key, out string? partition, out string name)
    {
        (partition, name) = (null, "");
        if (key.Length < 3 || key[^1] != (byte)'}')
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(key[..^1]);
        if (text.StartsWith(_tags, StringComparison.Ordinal))
        {
            name = text[_tags.Length..];
            return true;
        }

        var brace = text.IndexOf('{', StringComparison.Ordinal);
        if (!text.StartsWith(_entries, StringComparison.Ordinal) || brace <= _entries.Length)
        {
            return false;
        }

        (partition, name) = (text[_entries.Length..(brace - 1)], text[(brace + 1)..]);
        return true;
    }
}
