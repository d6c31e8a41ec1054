using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Tenfold.RateLimiting;

/// <summary>Who is counted: 128 bits that stand for an address or a name. Does not allocate; thread-safe.</summary>
/// <remarks>Names (users, keys, header values) are kept as a hash (SHA-256, 128 bits of it), so that no secret reaches Redis.</remarks>
public readonly record struct Caller
{
    private readonly UInt128 _id;
    private readonly bool _isAddress;

    private Caller(UInt128 id, bool isAddress) => (_id, _isAddress) = (id, isAddress);

    /// <summary>One caller for all.</summary>
    public static Caller Everyone => default;

    /// <summary>By address: each IPv4 address, each IPv6 /64 (what one customer of a provider has).</summary>
    public static Caller Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            (bytes[10], bytes[11]) = (0xff, 0xff);
            address.TryWriteBytes(bytes[12..], out _);
        }
        else
        {
            address.TryWriteBytes(bytes, out _);
            if (!address.IsIPv4MappedToIPv6)
            {
                bytes[8..].Clear();
            }
        }

        return new Caller(BinaryPrimitives.ReadUInt128BigEndian(bytes), isAddress: true);
    }

    /// <summary>By a name: a user, an API key, a header's value, a route.</summary>
    public static Caller Of(ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, hash);
        return new Caller(BinaryPrimitives.ReadUInt128BigEndian(hash), isAddress: false);
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    public static Caller Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Of(Encoding.UTF8.GetBytes(name));
    }

    internal UInt128 Id => _id;

    internal const int MaxLength = 45;

    /// <summary>Writes it as the end of a key: an address, or a hash in base64url.</summary>
    internal int WriteTo(Span<byte> into)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _id);
        if (!_isAddress)
        {
            Base64Url.EncodeToUtf8(bytes, into, out _, out var length);
            return length;
        }

        var mapped = bytes[..12].SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        if (!mapped)
        {
            new IPAddress(bytes).TryFormat(into, out var written);
            return written;
        }

        var end = 0;
        foreach (var part in bytes[12..])
        {
            part.TryFormat(into[end..], out var digits);
            end += digits;
            into[end++] = (byte)'.';
        }

        return end - 1;
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(text[..WriteTo(text)]);
    }
}
