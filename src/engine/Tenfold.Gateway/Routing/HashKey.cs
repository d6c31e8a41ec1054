using System.Net;
using System.Text;
using Tenfold.Gateway.Balancing;
using Tenfold.Gateway.Forwarding;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Routing;

/// <summary>What of a request a consistent hash looks at.</summary>
internal sealed class HashKey
{
    private readonly byte[]? _header;
    private readonly byte[]? _cookie;
    private readonly bool _address;

    private HashKey(bool address, byte[]? header, byte[]? cookie) => (_address, _header, _cookie) = (address, header, cookie);

    /// <summary>Reads <c>address</c>, <c>header:NAME</c> or <c>cookie:NAME</c>; null is no hash at all.</summary>
    /// <exception cref="FormatException">None of them.</exception>
    public static HashKey Parse(string? text) => text switch
    {
        null => new HashKey(false, null, null),
        "address" => new HashKey(true, null, null),
        _ when text.StartsWith("header:", StringComparison.Ordinal) => new HashKey(false, Encoding.ASCII.GetBytes(text[7..].Trim()), null),
        _ when text.StartsWith("cookie:", StringComparison.Ordinal) => new HashKey(false, null, Encoding.ASCII.GetBytes(text[7..].Trim())),
        _ => throw new FormatException($"hash: '{text}' is not address, header:NAME or cookie:NAME"),
    };

    /// <summary>The key's hash; null when the request has none, so that any instance will do.</summary>
    public ulong? Of(RequestHead request, ClientAddress client)
    {
        if (_address)
        {
            return client.Trusted && ForwardedFor.Last(request) is { IsEmpty: false } address ? StableHash.Of(address) : OfAddress(client.Address);
        }

        if (_header is not null)
        {
            return request.TryGet(_header, out var value) ? StableHash.Of(value) : null;
        }

        return _cookie is null ? null : OfCookie(request);
    }

    private static ulong? OfAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var length) ? StableHash.Of(bytes[..length]) : null;
    }

    private ulong? OfCookie(RequestHead request)
    {
        foreach (ref readonly var field in request.Fields)
        {
            var rest = field.Known == KnownHeader.Cookie ? field.Value(request.Bytes) : default;
            while (!rest.IsEmpty)
            {
                var end = rest.IndexOf((byte)';');
                var pair = (end < 0 ? rest : rest[..end]).Trim(" \t"u8);
                if (pair.Length > _cookie!.Length && pair[_cookie.Length] == '=' && pair.StartsWith(_cookie))
                {
                    return StableHash.Of(pair[(_cookie.Length + 1)..]);
                }

                rest = end < 0 ? default : rest[(end + 1)..];
            }
        }

        return null;
    }
}
