namespace Tenfold.Guide;

/// <summary>What a route promises. Whatever is not set is not promised.</summary>
public sealed record Budget
{
    /// <summary>Method and path pattern: <c>GET /api/products/{id}</c>.</summary>
    public required RouteKey Route { get; init; }

    /// <summary>Mean latency.</summary>
    public TimeSpan? Average { get; init; }

    /// <summary>95th percentile of the latency.</summary>
    public TimeSpan? P95 { get; init; }

    /// <summary>99th percentile of the latency.</summary>
    public TimeSpan? P99 { get; init; }

    /// <summary>The longest that a client waits: the gateway's and the load test's timeout for this route.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Share of requests that may fail.</summary>
    public Percentage? Errors { get; init; }
}

/// <summary>A method and a path pattern, as in <c>GET /api/products/{id}</c>.</summary>
public readonly record struct RouteKey(string Method, PathPattern Path)
{
    public override string ToString() => $"{Method} {Path}";
}
