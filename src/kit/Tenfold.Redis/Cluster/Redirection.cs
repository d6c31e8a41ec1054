using System.Buffers.Text;
using System.Net;
using System.Text;

namespace Tenfold.Redis.Cluster;

internal enum RedirectionKind
{
    /// <summary>An error for the caller.</summary>
    None,

    /// <summary>The slot belongs to that node, from now on.</summary>
    Moved,

    /// <summary>That node has the key, this once.</summary>
    Ask,

    /// <summary>The same again in a moment.</summary>
    Again,

    /// <summary>The same again in a moment, and the map of the slots is out of date.</summary>
    Refresh,
}

/// <summary>What a cluster's node says about where a command belongs.</summary>
internal readonly record struct Redirection(RedirectionKind Kind, int Slot = 0, EndPoint? To = null)
{
    /// <param name="error">What the node answered.</param>
    /// <param name="from">The node: an address without a host means the same host.</param>
    public static Redirection Parse(ReadOnlySpan<byte> error, EndPoint from)
    {
        if (error.StartsWith("MOVED "u8))
        {
            return ParseTarget(RedirectionKind.Moved, error[6..], from);
        }

        if (error.StartsWith("ASK "u8))
        {
            return ParseTarget(RedirectionKind.Ask, error[4..], from);
        }

        return error.StartsWith("TRYAGAIN"u8) ? new Redirection(RedirectionKind.Again)
            : error.StartsWith("CLUSTERDOWN"u8) || error.StartsWith("LOADING "u8) || error.StartsWith("MASTERDOWN "u8) || error.StartsWith("READONLY "u8) ? new Redirection(RedirectionKind.Refresh)
            : default;
    }

    /// <summary>host:port, [IPv6]:port or IPv6:port as Redis writes them; null if it is none.</summary>
    public static EndPoint? ParseAddress(string host, int port, EndPoint from) =>
        host is "" or "?" ? SameHost(from, port) : IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);

    private static Redirection ParseTarget(RedirectionKind kind, ReadOnlySpan<byte> text, EndPoint from)
    {
        var colon = text.LastIndexOf((byte)':');
        if (!Utf8Parser.TryParse(text, out int slot, out var used) || slot is < 0 or >= HashSlot.Count || colon < used
            || !Utf8Parser.TryParse(text[(colon + 1)..], out int port, out _) || port is < 1 or > 65535)
        {
            return default;
        }

        return new Redirection(kind, slot, ParseAddress(Encoding.UTF8.GetString(text[used..colon]).Trim(), port, from));
    }

    private static EndPoint? SameHost(EndPoint from, int port) => from switch
    {
        IPEndPoint ip => new IPEndPoint(ip.Address, port),
        DnsEndPoint dns => new DnsEndPoint(dns.Host, port),
        _ => null,
    };
}
