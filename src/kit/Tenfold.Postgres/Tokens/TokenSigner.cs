using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Tenfold.Postgres.Tokens;

/// <summary>
/// Read tokens as signed text, for a cookie, a header or a job: whoever carries them cannot make up ones that keep all of its
/// reads on the primary. Thread-safe.
/// </summary>
/// <remarks>Base64url of version, count, 20 bytes for each token, and the first 16 bytes of an HMAC-SHA256 over these.</remarks>
public sealed class TokenSigner
{
    private const byte Version = 1;
    private const int TokenBytes = 20;
    private const int SignatureBytes = 16;
    private const int MostText = 1200;
    private const int Iterations = 100_000;

    private readonly byte[] _key;

    /// <param name="key">Shared by all instances that carry tokens for each other; at least 16 bytes.</param>
    public TokenSigner(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(key.Length, 16, nameof(key));
        _key = key.ToArray();
    }

    /// <summary>
    /// A key that all instances of a system come to by themselves, from a secret that they share. It is stretched (PBKDF2, 100,000
    /// rounds), so that tokens help nobody to guess the secret faster than PostgreSQL's own password hashes do.
    /// </summary>
    public static TokenSigner FromSecret(string secret) =>
        new(Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(secret), "tenfold read tokens"u8, Iterations, HashAlgorithmName.SHA256, 32));

    /// <summary>The tokens as text of at most 900 characters; empty for none.</summary>
    /// <param name="tokens">At most <see cref="Caller.MostTokens"/>.</param>
    public string Write(IReadOnlyList<ReadToken> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens.Count, Caller.MostTokens, nameof(tokens));
        if (tokens.Count == 0)
        {
            return "";
        }

        Span<byte> bytes = stackalloc byte[2 + (tokens.Count * TokenBytes) + SignatureBytes];
        (bytes[0], bytes[1]) = (Version, (byte)tokens.Count);
        for (var i = 0; i < tokens.Count; i++)
        {
            var at = bytes[(2 + (i * TokenBytes))..];
            BinaryPrimitives.WriteUInt64BigEndian(at, tokens[i].SystemId);
            BinaryPrimitives.WriteUInt32BigEndian(at[8..], tokens[i].Timeline);
            BinaryPrimitives.WriteUInt64BigEndian(at[12..], (ulong)tokens[i].Lsn);
        }

        Sign(bytes[..^SignatureBytes], bytes[^SignatureBytes..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The tokens that a text holds; none when it is not one that <see cref="Write"/> made with this key.</summary>
    public IReadOnlyList<ReadToken> Read(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[MostText];
        if (text.Length is 0 or > MostText || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out var length) || length < 2 + SignatureBytes
            || bytes[0] != Version || length != 2 + (bytes[1] * TokenBytes) + SignatureBytes || bytes[1] > Caller.MostTokens)
        {
            return [];
        }

        Span<byte> signature = stackalloc byte[SignatureBytes];
        Sign(bytes[..(length - SignatureBytes)], signature);
        if (!CryptographicOperations.FixedTimeEquals(signature, bytes[(length - SignatureBytes)..length]))
        {
            return [];
        }

        var tokens = new ReadToken[bytes[1]];
        for (var i = 0; i < tokens.Length; i++)
        {
            var at = bytes[(2 + (i * TokenBytes))..];
            tokens[i] = new ReadToken(BinaryPrimitives.ReadUInt64BigEndian(at), BinaryPrimitives.ReadUInt32BigEndian(at[8..]), new(BinaryPrimitives.ReadUInt64BigEndian(at[12..])));
        }

        return tokens;
    }

    private void Sign(ReadOnlySpan<byte> bytes, Span<byte> signature)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, bytes, whole);
        whole[..SignatureBytes].CopyTo(signature);
    }
}
