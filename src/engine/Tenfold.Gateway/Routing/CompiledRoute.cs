using System.Text;
using Tenfold.Gateway.Balancing;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.RateLimiting;
using Tenfold.Guide;

namespace Tenfold.Gateway.Routing;

/// <summary>A route of the guide, ready to be matched and used. Immutable but for its policy's state; thread-safe.</summary>
internal sealed class CompiledRoute
{
    private readonly Route _route;
    private readonly byte[]? _host; // without the "*" of a wildcard
    private readonly bool _wildcard;
    private readonly string[] _methods;
    private readonly (byte[] Name, byte[]? Value)[] _headers;
    private readonly (byte[] Name, byte[]? Value)[] _query;

    public CompiledRoute(Route route, int label, Random random, Func<string, ServiceInstances> service, RouteLimits? limits)
    {
        (_route, Limits) = (route, limits);
        _wildcard = route.Host?.StartsWith("*.", StringComparison.Ordinal) ?? false;
        _host = route.Host is null ? null : Encoding.ASCII.GetBytes(_wildcard ? route.Host[1..] : route.Host);
        _methods = [.. route.Methods.Select(method => method.ToUpperInvariant())];
        _headers = Compile(route.Headers);
        _query = Compile(route.Query);
        Label = label;
        Services = route.Service is { } only
            ? [(service(only), 1)]
            : [.. (route.Services ?? new Dictionary<string, int>()).Where(s => s.Value > 0).Select(s => (service(s.Key), s.Value))];
        Policy = BalancingPolicies.Create(route.Balance, random);
        HashBy = HashKey.Parse(route.Balance == Balance.ConsistentHash ? route.Hash ?? "address" : null);
        Timeout = route.Timeout;
        ConnectTimeout = route.ConnectTimeout;
        FirstByteTimeout = route.FirstByteTimeout;
    }

    public PathPattern Path => _route.Path;

    /// <summary>Index of its metrics label.</summary>
    public int Label { get; }

    public (ServiceInstances Service, int Weight)[] Services { get; }

    /// <summary>Rate limits that its requests can be under; null for none.</summary>
    public RouteLimits? Limits { get; }

    public IBalancingPolicy Policy { get; }

    public HashKey HashBy { get; }

    public TimeSpan Timeout { get; }

    public TimeSpan ConnectTimeout { get; }

    public TimeSpan? FirstByteTimeout { get; }

    /// <summary>The more specific of two comes first: path, then host, then how much else it asks for.</summary>
    public static int Compare(CompiledRoute left, CompiledRoute right)
    {
        var byPath = PathPattern.CompareSpecificity(left.Path, right.Path);
        return byPath != 0 ? byPath : right.Demands - left.Demands;
    }

    private int Demands => (_host is null ? 0 : _wildcard ? 1000 : 2000) + (_methods.Length > 0 ? 500 : 0) + _headers.Length + _query.Length;

    /// <summary>The methods that it is for; none is any.</summary>
    public IReadOnlyList<string> Methods => _methods;

    public bool Matches(RequestHead request) => _route.Path.Matches(request.Path) && MatchesMethod(request.Method) && MatchesOthers(request);

    /// <summary>Whether it would match with another method.</summary>
    public bool MatchesButForMethod(RequestHead request) => _route.Path.Matches(request.Path) && MatchesOthers(request);

    private bool MatchesOthers(RequestHead request) =>
        MatchesHost(request.HostName) && (_headers.Length == 0 || MatchesHeaders(request)) && (_query.Length == 0 || MatchesQuery(request.Query));

    private bool MatchesMethod(string method)
    {
        if (_methods.Length == 0)
        {
            return true;
        }

        foreach (var allowed in _methods)
        {
            if (string.Equals(allowed, method, StringComparison.Ordinal) || (method is "HEAD" && allowed is "GET"))
            {
                return true;
            }
        }

        return false;
    }

    private bool MatchesHost(ReadOnlySpan<byte> host)
    {
        if (_host is null)
        {
            return true;
        }

        return _wildcard
            ? host.Length > _host.Length && Ascii.EqualsIgnoreCase(host[^_host.Length..], _host)
            : Ascii.EqualsIgnoreCase(host, _host);
    }

    private bool MatchesHeaders(RequestHead request)
    {
        foreach (var (name, value) in _headers)
        {
            if (!request.TryGet(name, out var sent) || (value is not null && !sent.SequenceEqual(value)))
            {
                return false;
            }
        }

        return true;
    }

    private bool MatchesQuery(ReadOnlySpan<byte> query)
    {
        foreach (var (name, value) in _query)
        {
            if (!QueryString.Has(query, name, value))
            {
                return false;
            }
        }

        return true;
    }

    private static (byte[] Name, byte[]? Value)[] Compile(IReadOnlyDictionary<string, string> demands) =>
        [.. demands.Select(d => (Encoding.UTF8.GetBytes(d.Key), d.Value is "*" ? null : Encoding.UTF8.GetBytes(d.Value)))];
}
