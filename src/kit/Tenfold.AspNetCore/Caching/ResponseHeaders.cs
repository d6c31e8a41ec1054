using System.Globalization;
using Tenfold.Guide;

namespace Tenfold.AspNetCore.Caching;

/// <summary>What the guide wants answers of one policy to say to caches outside; the texts are made once.</summary>
internal sealed class ResponseHeaders
{
    public ResponseHeaders(CacheHttp http)
    {
        CacheControl = Control(http);
        Cdn = Age(http.Cdn);
        Surrogate = Age(http.Surrogate);
        Vary = http.Vary.Count > 0 ? string.Join(", ", http.Vary) : null;
        SaysAge = http.MaxAge > TimeSpan.Zero || http.Cdn is not null || http.Surrogate is not null;
    }

    public string? CacheControl { get; }

    public string? Cdn { get; }

    public string? Surrogate { get; }

    public string? Vary { get; }

    /// <summary>Whether a cache outside counts a lifetime, from which it takes off the age.</summary>
    public bool SaysAge { get; }

    private static string? Age(TimeSpan? age) => age is { } time ? $"max-age={Seconds(time)}" : null;

    private static string? Control(CacheHttp http)
    {
        if (http.MaxAge is not { } age)
        {
            return http.Private ? "private, no-cache" : null;
        }

        var parts = new List<string> { http.Private ? "private" : "public" };
        parts.Add(age == TimeSpan.Zero ? "no-cache" : $"max-age={Seconds(age)}");
        if (http.StaleWhileRevalidate is { } revalidate)
        {
            parts.Add($"stale-while-revalidate={Seconds(revalidate)}");
        }

        if (http.StaleIfError is { } error)
        {
            parts.Add($"stale-if-error={Seconds(error)}");
        }

        return string.Join(", ", parts);
    }

    private static string Seconds(TimeSpan time) => ((long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}

/// <summary>The guide's headers by policy, and whether there is a guide at all.</summary>
internal sealed record CachedResponsePolicies(IReadOnlyDictionary<string, CacheHttp> Http, bool HasGuide);
