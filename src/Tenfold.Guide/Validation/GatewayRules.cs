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

        Networks.Check("gateway.trust-forwarded", gateway.TrustForwarded, findings);
        for (var i = 0; i < gateway.Routes.Count; i++)
        {
            var path = ItemPath.Of("gateway.routes", i);
            Target(path, gateway.Routes[i], guide, findings);
            Conditions(path, gateway.Routes[i], findings);
            Balancing(path, gateway.Routes[i], findings);
        }

        Twins(gateway.Routes, findings);
    }

    private static void Target(string path, Route route, SystemGuide guide, Findings findings)
    {
        var (one, several) = (findings.IsWritten($"{path}.service"), findings.IsWritten($"{path}.services"));
        if (one == several)
        {
            findings.Add(path, one
                ? "has both service and services; keep one"
                : $"goes nowhere: needs a service{Suggestion.Among("", Services(guide), "the guide has")}");
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
            findings.Add(path, $"there is no service '{service}'{Suggestion.Among(service, Services(guide), "the guide has")}");
        }
    }

    private static string[] Services(SystemGuide guide) => [.. guide.Services.Keys];

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
                findings.Add(item, $"unknown method '{method}'{Suggestion.Among(method, RouteKey.Methods)}");
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

    /// <summary>Of two routes that ask for the same, the second one would never be used.</summary>
    private static void Twins(IReadOnlyList<Route> routes, Findings findings)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < routes.Count; i++)
        {
            var path = ItemPath.Of("gateway.routes", i);
            if (findings.IsReadable(path) && findings.IsReadable($"{path}.path") && !first.TryAdd(Identity(routes[i]), i))
            {
                findings.Add(path, $"never used: routes[{first[Identity(routes[i])]}] takes the same requests");
            }
        }
    }

    /// <summary>Equal for routes that take the same requests. No part of it can hold a line end, but for those in error already.</summary>
    private static string Identity(Route route) => string.Join('\n',
    [
        route.Path.Shape,
        route.Host?.ToUpperInvariant() ?? "",
        string.Join(',', route.Methods.Order(StringComparer.Ordinal)),
        .. route.Headers.Select(h => $"{h.Key.ToUpperInvariant()}: {h.Value}").Order(StringComparer.Ordinal),
        "?",
        .. route.Query.Select(q => $"{q.Key}={q.Value}").Order(StringComparer.Ordinal),
    ]);
}
