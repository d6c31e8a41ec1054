using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tenfold.Guide;

namespace Tenfold.AspNetCore.Caching;

/// <summary>A warm-up of the guide. That it was done is an entry of the cache itself: it is loaded, by one node, by doing it.</summary>
internal sealed record WarmupPlan(string Name, Warmup Warmup)
{
    /// <summary>For how long another node's warm-up on start counts, when there is no interval.</summary>
    private static readonly TimeSpan JustNow = TimeSpan.FromMinutes(1);

    /// <summary>The policy of the entry.</summary>
    public string Policy => $"warm-{Name}";

    public Tenfold.Caching.CachePolicy Marker => new() { Ttl = Warmup.Every ?? JustNow, Jitter = 0, HardTimeout = TimeSpan.FromHours(1) };

    /// <summary>The entry's key: another list of requests is another warm-up.</summary>
    public string Key { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Warmup.Requests)))[..8]);
}

/// <summary>Marks the app's own requests that load anew what is cached. Random, so that nobody else can send it.</summary>
internal sealed class WarmupSecret
{
    public const string Header = "Tenfold-Warm";

    public string Value { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public bool IsOn(HttpRequest request) => request.Headers.TryGetValue(Header, out var value) && string.Equals(value, Value, StringComparison.Ordinal);
}
