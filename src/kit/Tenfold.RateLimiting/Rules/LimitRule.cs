using System.Net;
using System.Text;
using Tenfold.Guide;

namespace Tenfold.RateLimiting.Rules;

/// <summary>Who a limit of the guide counts.</summary>
public enum CountedBy
{
    Address,
    User,
    Header,
    Route,
}

/// <summary>One rate limit of the guide, ready to be asked. Immutable; thread-safe.</summary>
public sealed class LimitRule
{
    private const string HeaderPrefix = "header:";

    private readonly IReadOnlyList<RouteFilter> _routes;
    private readonly Caller[] _routeCallers;
    private readonly IPNetwork[] _except;

    internal LimitRule(string name, RateLimit limit)
    {
        Quota = new Quota(name, limit.Limit, limit.Per, limit.Burst, limit.Block, limit.Insurance?.Fraction ?? 1);
        (_routes, _except) = (limit.Routes, [.. limit.Except.Select(IPNetwork.Parse)]);
        _routeCallers = [.. _routes.Select(route => Caller.Of(route.ToString()))];
        (By, Header) = limit.By switch
        {
            "address" => (CountedBy.Address, null),
            "user" => (CountedBy.User, null),
            "route" => (CountedBy.Route, null),
            "api-key" => (CountedBy.Header, "X-Api-Key"),
            _ when limit.By.StartsWith(HeaderPrefix, StringComparison.Ordinal) => (CountedBy.Header, limit.By[HeaderPrefix.Length..]),
            _ => throw new FormatException($"rate-limits.{name}.by: '{limit.By}' is not address, user, api-key, route or header:NAME"),
        };
        HeaderBytes = Encoding.ASCII.GetBytes(Header ?? "");
    }

    /// <summary>The limit.</summary>
    public Quota Quota { get; }

    /// <summary>Who is counted.</summary>
    public CountedBy By { get; }

    /// <summary>The header that names the caller, when that is by header.</summary>
    public string? Header { get; }

    /// <summary><see cref="Header"/> as bytes; empty for none.</summary>
    public ReadOnlyMemory<byte> HeaderBytes { get; }

    /// <summary>Whether addresses matter to it, and not only as a stand-in.</summary>
    public bool HasExceptions => _except.Length > 0;

    /// <summary>Whether some request on such a path and with such methods (none: any) can be under it.</summary>
    public bool CanTake(PathPattern path, IReadOnlyList<string> methods) =>
        _routes.Count == 0 || _routes.Any(route => route.Path.Overlaps(path) && (methods.Count == 0 || methods.Any(route.TakesMethod)));

    /// <summary>Whether the request is under it; <paramref name="route"/> is then the caller for <see cref="CountedBy.Route"/>: the first filter that it fits.</summary>
    public bool Takes(string method, ReadOnlySpan<char> path, out Caller route)
    {
        route = Caller.Everyone;
        if (_routes.Count == 0)
        {
            return true;
        }

        for (var i = 0; i < _routeCallers.Length; i++)
        {
            if (_routes[i].Matches(method, path))
            {
                route = _routeCallers[i];
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether requests from this address are not counted.</summary>
    public bool Excepts(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        foreach (var network in _except)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>The rate limits of a guide that one place enforces. Immutable; thread-safe.</summary>
/// <param name="Rules">In the guide's order.</param>
/// <param name="Store">The Redis store that counts; null when there is no limit.</param>
/// <param name="KeyPrefix">Beginning of the keys in it.</param>
public sealed record LimitRules(IReadOnlyList<LimitRule> Rules, string? Store, string KeyPrefix)
{
    /// <summary>Reads them from a guide whose defaults are resolved.</summary>
    public static LimitRules Of(SystemGuide guide, RateLimitPlace place)
    {
        ArgumentNullException.ThrowIfNull(guide);
        var limits = guide.RateLimits.Where(limit => (limit.Value.At ?? RateLimitPlace.Gateway) == place).ToList();
        return new LimitRules([.. limits.Select(limit => new LimitRule(limit.Key, limit.Value))], limits.Select(limit => limit.Value.Store).FirstOrDefault(), $"{{rl}}:{guide.System}");
    }

    /// <summary>The limits of all of them.</summary>
    public IReadOnlyList<Quota> Quotas => [.. Rules.Select(rule => rule.Quota)];
}
