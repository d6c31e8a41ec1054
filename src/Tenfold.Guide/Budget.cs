using System.Diagnostics.CodeAnalysis;
using Tenfold.Guide.Validation;

namespace Tenfold.Guide;

/// <summary>What a route promises. Whatever is not set is not promised.</summary>
public sealed record Budget
{
    /// <summary>Method and path pattern: <c>GET /api/products/{id}</c>.</summary>
    public required RouteKey Route { get; init; }

    /// <summary>Mean latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? Average { get; init; }

    /// <summary>95th percentile of the latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P95 { get; init; }

    /// <summary>99th percentile of the latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P99 { get; init; }

    /// <summary>The longest that a client waits: the gateway's and the load test's timeout for this route.</summary>
    [Between("1ms", "1d")]
    public TimeSpan? Timeout { get; init; }

    /// <summary>Share of requests that may fail.</summary>
    [Between("0%", "100%")]
    public Percentage? Errors { get; init; }
}

/// <summary>A method and a path pattern, as in <c>GET /api/products/{id}</c>.</summary>
public readonly record struct RouteKey(string Method, PathPattern Path)
{
    /// <summary>Methods that a guide may name.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

    /// <summary>Reads <c>GET /api/products/{id}</c>; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out RouteKey route, [NotNullWhen(false)] out string? error)
    {
        route = default;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0)
        {
            error = $"expected a method and a path such as GET /api/products, found '{text}'";
            return false;
        }

        var method = text[..space];
        if (!Methods.Contains(method))
        {
            error = $"unknown method '{method}'{Suggestion.Among(method, Methods)}";
            return false;
        }

        if (!PathPattern.TryParse(text[(space + 1)..], out var path, out var wrong))
        {
            error = $"'{text}': {wrong}";
            return false;
        }

        route = new RouteKey(method, path);
        error = null;
        return true;
    }

    public override string ToString() => $"{Method} {Path}";
}
