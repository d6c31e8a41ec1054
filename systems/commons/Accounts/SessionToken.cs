using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>
/// What a client proves itself with: the id of its session and 192 random bits, as 43 characters of base64url. Only its hash is kept,
/// so whoever reads the database or the cache cannot log in.
/// </summary>
/// <param name="Session">The session.</param>
/// <param name="Hash">SHA-256 of id and secret.</param>
public sealed record SessionToken(ShardId Session, byte[] Hash)
{
    private const int IdBytes = sizeof(long);
    private const int Bytes = IdBytes + 24;

    /// <summary>Characters of a token.</summary>
    public const int Length = ((Bytes * 4) + 2) / 3;

    /// <summary>A new one, and the text that its client is given.</summary>
    public static (SessionToken Token, string Text) New(ShardId session)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, session.Value);
        RandomNumberGenerator.Fill(bytes[IdBytes..]);
        return (new SessionToken(session, SHA256.HashData(bytes)), Base64Url.EncodeToString(bytes));
    }

    /// <summary>Reads what a client has sent; null when it is no token.</summary>
    public static SessionToken? Parse(string? text)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        if (text?.Length != Length || Base64Url.DecodeFromChars(text, bytes, out _, out var written) != OperationStatus.Done || written != Bytes)
        {
            return null;
        }

        var id = BinaryPrimitives.ReadInt64BigEndian(bytes);
        return id > 0 ? new SessionToken(new ShardId(id), SHA256.HashData(bytes)) : null;
    }

    /// <summary>Whether it is the token of this hash, in a time that says nothing of where they differ.</summary>
    public bool Is(ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(Hash, hash);
}
