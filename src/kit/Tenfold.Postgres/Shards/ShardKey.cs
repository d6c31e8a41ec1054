using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// What a row is sharded by: a number (a merchant's id), a text or a UUID; or the bucket itself, as an id that carries it knows it.
/// Converts from each of them. The number 42 and the text "42" are different keys.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ShardKey
{
    private const int TextOnStack = 256;

    private readonly Kind _kind;
    private readonly long _number;
    private readonly string? _text;
    private readonly Guid _uuid;

    private ShardKey(Kind kind, long number, string? text, Guid uuid) => (_kind, _number, _text, _uuid) = (kind, number, text, uuid);

    private enum Kind
    {
        Number,
        Text,
        Uuid,
        Bucket,
    }

    /// <summary>The number, when the key is one.</summary>
    internal long? Number => _kind == Kind.Number ? _number : null;

    /// <summary>The text, when the key is one.</summary>
    internal string? Text => _text;

    /// <summary>The bucket, when the key names it.</summary>
    internal int? Bucket => _kind == Kind.Bucket ? (int)_number : null;

    public static implicit operator ShardKey(long number) => FromInt64(number);

    public static implicit operator ShardKey(int number) => FromInt64(number);

    public static implicit operator ShardKey(string text) => FromString(text);

    public static implicit operator ShardKey(Guid uuid) => FromGuid(uuid);

    public static implicit operator ShardKey(ShardId id) => OfBucket(id.Bucket);

    /// <summary>A number of any width: an <see cref="int"/> and a <see cref="long"/> of the same value are the same key.</summary>
    public static ShardKey FromInt64(long number) => new(Kind.Number, number, null, default);

    /// <summary>A text, by its UTF-8 bytes: letters of different case differ, and so do different forms of the same letter.</summary>
    public static ShardKey FromString(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(Kind.Text, 0, text, default);
    }

    /// <summary>A UUID, by its 16 bytes in the order of RFC 9562.</summary>
    public static ShardKey FromGuid(Guid uuid) => new(Kind.Uuid, 0, null, uuid);

    /// <summary>The bucket itself.</summary>
    public static ShardKey OfBucket(int bucket) => new(Kind.Bucket, bucket, null, default);

    /// <summary>Hash of the key's bytes: a number's eight and a UUID's sixteen in network order, a text's in UTF-8.</summary>
    internal uint Hash()
    {
        Span<byte> bytes = stackalloc byte[TextOnStack];
        switch (_kind)
        {
            case Kind.Number:
                BinaryPrimitives.WriteInt64BigEndian(bytes, _number);
                return Murmur3.Hash(bytes[..8]);
            case Kind.Uuid:
                _uuid.TryWriteBytes(bytes, bigEndian: true, out var written);
                return Murmur3.Hash(bytes[..written]);
            case Kind.Text:
                return Encoding.UTF8.TryGetBytes(_text, bytes, out var length) ? Murmur3.Hash(bytes[..length]) : Murmur3.Hash(Encoding.UTF8.GetBytes(_text!));
            default:
                throw new InvalidOperationException("a bucket is not hashed");
        }
    }

    /// <summary>The key as a message shows it.</summary>
    public override string ToString() => _kind switch
    {
        Kind.Number => $"{_number}",
        Kind.Text => $"'{_text}'",
        Kind.Uuid => $"{_uuid}",
        _ => $"bucket {_number}",
    };
}
