using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Tenfold.AspNetCore.Caching;

/// <summary>
/// A response as it is kept: status, headers and body in one array. Format 1: status (2 bytes), count of headers (1), each
/// name and value with their lengths (2 each), body. Immutable.
/// </summary>
internal sealed class CachedResponse
{
    private CachedResponse(int status, KeyValuePair<string, string>[] headers, string etag, ReadOnlyMemory<byte> body)
    {
        (Status, Headers, ETag, Body) = (status, headers, etag, body);
        ContentType = Array.Find(headers, header => header.Key == "Content-Type").Value;
        Others = Array.FindAll(headers, header => header.Key is not ("Content-Type" or "ETag"));
    }

    public int Status { get; }

    public string ETag { get; }

    public string? ContentType { get; }

    /// <summary>All but the two that are written by themselves.</summary>
    public KeyValuePair<string, string>[] Others { get; }

    public ReadOnlyMemory<byte> Body { get; }

    private KeyValuePair<string, string>[] Headers { get; }

    /// <summary>A strong tag of the body's bytes.</summary>
    public static string TagOf(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        return $"\"{Convert.ToHexStringLower(hash[..12])}\"";
    }

    public static byte[] Write(int status, IReadOnlyCollection<KeyValuePair<string, string>> headers, ReadOnlySpan<byte> body)
    {
        var size = 3 + body.Length;
        foreach (var (name, value) in headers)
        {
            size += 4 + Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value);
        }

        var bytes = new byte[size];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)status);
        bytes[2] = checked((byte)headers.Count);
        var at = 3;
        foreach (var (name, value) in headers)
        {
            Put(name);
            Put(value);
        }

        body.CopyTo(bytes.AsSpan(at));
        return bytes;

        void Put(string text)
        {
            var length = Encoding.UTF8.GetBytes(text, bytes.AsSpan(at + 2));
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), checked((ushort)length));
            at += 2 + length;
        }
    }

    /// <exception cref="InvalidDataException">These are not the bytes of a response.</exception>
    public static CachedResponse Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var headers = new KeyValuePair<string, string>[bytes.Span[2]];
            var at = 3;
            for (var i = 0; i < headers.Length; i++)
            {
                var name = Take();
                headers[i] = new(name, Take());
            }

            var body = bytes[at..];
            var etag = Array.Find(headers, header => header.Key == "ETag").Value ?? TagOf(body.Span);
            return new CachedResponse(BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span), headers, etag, body);

            string Take()
            {
                var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span[at..]);
                var text = Encoding.UTF8.GetString(bytes.Span.Slice(at + 2, length));
                at += 2 + length;
                return text;
            }
        }
        catch (Exception wrong) when (wrong is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidDataException("The cached bytes are not a response.", wrong);
        }
    }
}
