using System.Net;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class GatewayRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        var gateway = guide.Gateway;
        if (gateway.Address is not ("localhost" or "*") && !IPAddress.TryParse(gateway.Address, out _))
        {
            findings.Add("gateway.address", $"'{gateway.Address}' is no address; allowed: localhost, \"*\" (every address), or an IP address");
        }

        for (var i = 0; i < gateway.TrustForwarded.Count; i++)
        {
            Network(ItemPath.Of("gateway.trust-forwarded", i), gateway.TrustForwarded[i], findings);
        }

        for (var i = 0; i < gateway.Routes.Count; i++)
        {
            var path = ItemPath.Of("gateway.routes", i);
            Target(path, gateway.Routes[i], guide, findings);
            Conditions(path, gateway.Routes[i], findings);
            Balancing(path, gateway.Routes[i], findings);
            Twin(path, i, gateway.Routes, findings);
        }
    }

    private static void Network(string path, string network, Findings findings)
    {
        if (IPNetwork.TryParse(network, out _))
        {
            return;
        }

        var hint = IPAddress.TryParse(network, out var address) ? $"; did you mean '{network}/{(address.GetAddressBytes().Length * 8)}'?" : "";
        findings.Add(path, $"'{network}' is no network{hint}; allowed: an address and a prefix length with no bits set after it, such as 10.0.0.0/8");
    }

    private static void Target(string path, Route route, SystemGuide guide, Findings findings)
    {
        var (one, several) = (findings.IsWritten($"{path}.service"), findings.IsWritten($"{path}.services"));
        if (one == several)
        {
            findings.Add(path, one
                ? "has both service and services; keep one"
                : $"goes nowhere: needs a service; there {(guide.Services.Count == 1 ? "is" : "are")}: {Listed(guide)}");
        }

        if (route.Service is { } service)
        {
            Exists($"{path}.service", service, guide, findings);
        }

        foreach (var name in route.Services?.Keys ?? [])
        {
            Exists($"{path}.services.{name}", name, guide, findings);
        }

        if (route.Services is { Count: 0 })
        {
            findings.Add($"{path}.services", "is empty; name a service and its weight, such as { api: 1 }");
        }
    }

    private static void Exists(string path, string service, SystemGuide guide, Findings findings)
    {
        if (!guide.Services.ContainsKey(service) && findings.IsReadable("services"))
        {
            findings.Add(path, $"there is no service '{service}'{Suggestion.For(service, guide.Services.Keys)}; there {(guide.Services.Count == 1 ? "is" : "are")}: {Listed(guide)}");
        }
    }

    private static string Listed(SystemGuide guide) => guide.Services.Count == 0 ? "none" : string.Join(", ", guide.Services.Keys);

    private static void Conditions(string path, Route route, Findings findings)
    {
        if (route.Host is { } host && (host.Length > 255 || !Names.Host().IsMatch(host)))
        {
            findings.Add($"{path}.host", $"'{host}' is no host; allowed: a name without port such as shop.example.com, or \"*.example.com\"");
        }

        for (var i = 0; i < route.Methods.Count; i++)
        {
            var method = route.Methods[i];
            var item = ItemPath.Of($"{path}.methods", i);
            if (!RouteKey.Methods.Contains(method))
            {
                findings.Add(item, $"unknown method '{method}'{Suggestion.For(method, RouteKey.Methods)}; allowed: {string.Join(", ", RouteKey.Methods)}");
            }
            else if (route.Methods.Take(i).Contains(method))
            {
                findings.Add(item, $"{method} is given twice");
            }
        }

        Texts.Headers($"{path}.headers", route.Headers, findings);
        foreach (var (name, value) in route.Query)
        {
            if (name.Length == 0)
            {
                findings.Add($"{path}.query", "a query parameter needs a name");
            }

            Texts.OneLine($"{path}.query.{name}", value, findings);
        }
    }

    private static void Balancing(string path, Route route, Findings findings)
    {
        if (findings.IsWritten($"{path}.hash") && findings.IsReadable($"{path}.balance"))
        {
            Hash($"{path}.hash", route, findings);
        }

        if (route.FirstByteTimeout > route.Timeout && findings.IsReadable($"{path}.timeout"))
        {
            findings.Add($"{path}.first-byte-timeout", $"{Duration.Format(route.FirstByteTimeout.Value)} is more than timeout {Duration.Format(route.Timeout)}");
        }
    }

    private static void Hash(string path, Route route, Findings findings)
    {
        var key = route.Hash ?? "";
        if (route.Balance != Balance.ConsistentHash)
        {
            findings.Add(path, "is only for balance consistent-hash; set that, or remove it");
            return;
        }

        var colon = key.IndexOf(':', StringComparison.Ordinal);
        var named = colon > 0 && key[..colon] is "header" or "cookie" && Names.HttpToken().IsMatch(key[(colon + 1)..]);
        if (key != "address" && !named)
        {
            findings.Add(path, $"unknown value '{key}'; allowed: address, header:NAME, cookie:NAME");
        }
    }

    /// <summary>Two routes that ask for the same: the second one would never be used.</summary>
    private static void Twin(string path, int index, IReadOnlyList<Route> routes, Findings findings)
    {
        var route = routes[index];
        for (var i = 0; i < index; i++)
        {
            var other = routes[i];
            if (findings.IsReadable($"{path}.path") && findings.IsReadable(ItemPath.Of(ItemPath.Of("gateway.routes", i), "path"))
                && other.Path.IsSameAs(route.Path)
                && string.Equals(other.Host, route.Host, StringComparison.OrdinalIgnoreCase)
                && other.Methods.ToHashSet(StringComparer.Ordinal).SetEquals(route.Methods)
                && Same(other.Headers, route.Headers, StringComparer.OrdinalIgnoreCase)
                && Same(other.Query, route.Query, StringComparer.Ordinal))
            {
                findings.Add(path, $"never used: routes[{i}] takes the same requests");
                return;
            }
        }
    }

    private static bool Same(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right, StringComparer keys) =>
        left.Count == right.Count && left.OrderBy(p => p.Key, keys).Zip(right.OrderBy(p => p.Key, keys))
            .All(pair => keys.Equals(pair.First.Key, pair.Second.Key) && pair.First.Value == pair.Second.Value);
}
