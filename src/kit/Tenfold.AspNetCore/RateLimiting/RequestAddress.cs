using System.Net;
using Microsoft.AspNetCore.Http;

namespace Tenfold.AspNetCore.RateLimiting;

/// <summary>
/// Who a request comes from, behind the gateway and the proxies that it believes. <c>X-Forwarded-For</c> is read from its end,
/// for as long as the one who wrote an entry is believed. Thread-safe.
/// </summary>
internal sealed class RequestAddress(IReadOnlyList<IPNetwork> trusted)
{
    /// <summary>The gateway of the same machine, and what the guide's <c>trust-forwarded</c> names.</summary>
    public static RequestAddress Behind(IEnumerable<string> trustForwarded) =>
        new([IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128"), .. trustForwarded.Select(IPNetwork.Parse)]);

    public IPAddress Of(HttpContext context)
    {
        // On a Unix socket there is no address, and nobody but the gateway.
        var address = Plain(context.Connection.RemoteIpAddress ?? IPAddress.Loopback);
        var lines = context.Request.Headers["X-Forwarded-For"];
        for (var line = lines.Count - 1; line >= 0; line--)
        {
            var rest = lines[line].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf(',');
                if (!IsTrusted(address) || !TryParse(rest[(comma + 1)..].Trim(), out var next))
                {
                    return address;
                }

                address = Plain(next);
                rest = comma < 0 ? default : rest[..comma];
            }
        }

        return address;
    }

    private static bool TryParse(ReadOnlySpan<char> node, out IPAddress address)
    {
        // Some proxies add the port: 10.0.0.1:4711, [2001:db8::1]:4711.
        var known = IPAddress.TryParse(node, out var plain) ? plain : IPEndPoint.TryParse(node, out var endPoint) ? endPoint.Address : null;
        address = known ?? IPAddress.None;
        return known is not null;
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private bool IsTrusted(IPAddress address)
    {
        foreach (var network in trusted)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
