using System.Net;
using System.Text;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Reads <c>X-Forwarded-For</c>, which counts only from a client that is believed.</summary>
internal static class ForwardedFor
{
    /// <summary>The last entry: who came to the proxy that all requests here come from. Empty for none.</summary>
    public static ReadOnlySpan<byte> Last(RequestHead request)
    {
        ReadOnlySpan<byte> last = default;
        foreach (ref readonly var field in request.Fields)
        {
            if (field.Known == KnownHeader.XForwardedFor)
            {
                var list = field.Value(request.Bytes);
                last = list[(list.LastIndexOf((byte)',') + 1)..].Trim(" \t"u8);
            }
        }

        return last;
    }

    /// <summary>
    /// Who a request comes from: entries are read from the last one on, for as long as whoever wrote one is believed. What a
    /// client made up stands before them.
    /// </summary>
    public static IPAddress Origin(RequestHead request, ClientAddress client)
    {
        var address = client.Address;
        for (var i = client.Trusted ? request.Fields.Length - 1 : -1; i >= 0; i--)
        {
            ref readonly var field = ref request.Fields[i];
            var rest = field.Known == KnownHeader.XForwardedFor ? field.Value(request.Bytes) : default;
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf((byte)',');
                if (!client.Believes(address) || Parse(rest[(comma + 1)..].Trim(" \t"u8)) is not { } before)
                {
                    return address;
                }

                address = before;
                rest = comma < 0 ? default : rest[..comma];
            }
        }

        return address;
    }

    private static IPAddress? Parse(ReadOnlySpan<byte> node)
    {
        Span<char> text = stackalloc char[64];
        if (node.Length is 0 or > 64 || !Ascii.IsValid(node))
        {
            return null;
        }

        text = text[..Encoding.ASCII.GetChars(node, text)];
        // Some proxies add the port: 10.0.0.1:4711, [2001:db8::1]:4711.
        var address = IPAddress.TryParse(text, out var plain) ? plain : IPEndPoint.TryParse(text, out var endPoint) ? endPoint.Address : null;
        return address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
    }
}
