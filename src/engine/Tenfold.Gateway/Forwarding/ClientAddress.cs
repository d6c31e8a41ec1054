using System.Net;
using System.Text;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Who is at the other end of a client connection, ready to be written into requests. Immutable.</summary>
internal sealed class ClientAddress
{
    private readonly IReadOnlyList<IPNetwork> _trusted;

    public ClientAddress(EndPoint? remote, bool tls, IReadOnlyList<IPNetwork> trusted)
    {
        Address = remote is IPEndPoint ip ? (ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address) : IPAddress.Loopback;
        var text = Address.ToString();
        Text = Encoding.ASCII.GetBytes(text);
        // RFC 7239: an IPv6 address is bracketed and quoted.
        Node = Encoding.ASCII.GetBytes(text.Contains(':', StringComparison.Ordinal) ? $"\"[{text}]\"" : text);
        Scheme = tls ? "https"u8.ToArray() : "http"u8.ToArray();
        _trusted = trusted;
        Trusted = Believes(Address);
    }

    public IPAddress Address { get; }

    public byte[] Text { get; }

    public byte[] Node { get; }

    public byte[] Scheme { get; }

    /// <summary>Whether its <c>Forwarded</c> and <c>X-Forwarded-*</c> are believed.</summary>
    public bool Trusted { get; }

    /// <summary>Whether somebody's are.</summary>
    public bool Believes(IPAddress address)
    {
        foreach (var network in _trusted)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Bytes that it can add to a head.</summary>
    public int MaxLength => Text.Length + Node.Length + (2 * Scheme.Length);
}
