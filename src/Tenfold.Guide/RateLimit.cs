using System.Diagnostics.CodeAnalysis;
using Tenfold.Guide.Validation;

namespace Tenfold.Guide;

/// <summary>How many requests one caller may send; more are answered with 429.</summary>
public sealed record RateLimit
{
    /// <summary>Requests in every <see cref="Per"/>.</summary>
    [Between("1", "100M")]
    public required int Limit { get; init; }

    /// <summary>The time that <see cref="Limit"/> is about.</summary>
    [Between("1s", "366d")]
    public required TimeSpan Per { get; init; }

    /// <summary>
    /// Who is counted: <c>address</c>, <c>user</c> (in the app), <c>api-key</c> (the header X-Api-Key), <c>header:NAME</c>, or <c>route</c> (all callers
    /// together). Default address.
    /// </summary>
    public string By { get; init; } = "address";

    /// <summary>Requests at once. Default: <see cref="Limit"/>.</summary>
    [Between("1", "100M")]
    public int? Burst { get; init; }

    /// <summary>How long a caller that was over is refused altogether. Default 0s: only what is over is refused.</summary>
    [Between("0s", "366d")]
    public TimeSpan Block { get; init; }

    /// <summary>Which requests are counted: path patterns, with a method or without. Default every request.</summary>
    public IReadOnlyList<RouteFilter> Routes { get; init; } = [];

    /// <summary>Networks (CIDR) whose requests are not counted. Default none.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>Who enforces it. Default: the app for <c>by: user</c>, else the gateway.</summary>
    public RateLimitPlace? At { get; init; }

    /// <summary>The Redis that counts. Default: the guide's only one.</summary>
    public string? Store { get; init; }

    /// <summary>Share of the limit that one process lets through on its own while Redis is away. Default: what all of them together may be is the limit.</summary>
    [Between("0.1%", "100%")]
    public Percentage? Insurance { get; init; }
}

/// <summary>Who enforces a rate limit.</summary>
public enum RateLimitPlace
{
    Gateway,
    App,
}

/// <summary>A path pattern with a method or without, as in <c>POST /api/orders</c> and <c>/api/**</c>.</summary>
/// <param name="Method">Null is any. GET includes HEAD.</param>
/// <param name="Path">The pattern.</param>
public readonly record struct RouteFilter(string? Method, PathPattern Path)
{
    /// <summary>Reads <c>POST /api/orders</c> or <c>/api/**</c>; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out RouteFilter filter, [NotNullWhen(false)] out string? error)
    {
        filter = default;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        var method = space < 0 ? null : text[..space];
        if (method is not null && !RouteKey.Methods.Contains(method))
        {
            error = $"unknown method '{method}'{Suggestion.Among(method, RouteKey.Methods)}";
            return false;
        }

        if (!PathPattern.TryParse(text[(space + 1)..], out var path, out var wrong))
        {
            error = $"'{text}': {wrong}; expected a path such as /api/** or a method and a path such as POST /api/orders";
            return false;
        }

        filter = new RouteFilter(method, path);
        error = null;
        return true;
    }

    /// <summary>Whether a request fits. Does not allocate.</summary>
    public bool Matches(string method, ReadOnlySpan<char> path) => TakesMethod(method) && Path.Matches(path);

    /// <summary>Whether requests of this method can fit.</summary>
    public bool TakesMethod(string method) =>
        Method is null || string.Equals(Method, method, StringComparison.Ordinal) || (method is "HEAD" && Method is "GET");

    public override string ToString() => Method is null ? Path.ToString() : $"{Method} {Path}";
}
