using Tenfold.RateLimiting.Arithmetic;

namespace Tenfold.RateLimiting;

/// <summary>One limit: so many requests in so long, for each caller on its own. Immutable; thread-safe.</summary>
public sealed record Quota
{
    private const int MaxDays = 3660; // in microseconds still a whole number for Redis' Lua

    /// <summary>A quota.</summary>
    /// <param name="name">What headers and keys call it: 1 to 40 lower-case letters, digits and dashes.</param>
    /// <param name="limit">Requests in a period, at least 1.</param>
    /// <param name="period">From 1 ms to 366 days.</param>
    /// <param name="burst">Requests at once, earned back in at most 3,660 days; null is as many as <paramref name="limit"/>.</param>
    /// <param name="block">How long a caller that was over is refused altogether; zero only refuses what is over.</param>
    /// <param name="insurance">Share of the quota, up to 1, that this process lets through on its own while Redis is away.</param>
    /// <exception cref="ArgumentException">A value is out of its bounds.</exception>
    public Quota(string name, int limit, TimeSpan period, int? burst = null, TimeSpan block = default, double insurance = 1)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 40 || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException($"'{name}' is not a name; allowed: 1 to 40 lower-case letters, digits and dashes", nameof(name));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.FromMilliseconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(period, TimeSpan.FromDays(366));
        ArgumentOutOfRangeException.ThrowIfLessThan(block, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(block, TimeSpan.FromDays(366));
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        if (period.TotalDays * (burst ?? limit) / limit > MaxDays)
        {
            throw new ArgumentOutOfRangeException(nameof(burst), burst, $"takes longer than {MaxDays} days to be earned back");
        }

        (Name, Limit, Period, Burst, Block, Insurance) = (name, limit, period, burst ?? limit, block, insurance);
        Rate = GcraRate.Of(limit, period, Burst, block);
        InsuredRate = Rate.Share(insurance);
        Policy = FormattableString.Invariant($"\"{name}\";q={limit};w={Math.Max(1, (long)Math.Ceiling(period.TotalSeconds))}");
    }

    public string Name { get; }

    /// <summary>Requests in a <see cref="Period"/>.</summary>
    public int Limit { get; }

    public TimeSpan Period { get; }

    /// <summary>Requests at once.</summary>
    public int Burst { get; }

    /// <summary>How long a caller that was over is refused altogether.</summary>
    public TimeSpan Block { get; }

    /// <summary>Share of the quota that this process lets through on its own while Redis is away.</summary>
    public double Insurance { get; }

    /// <summary>Its item of the <c>RateLimit-Policy</c> header: <c>"per-client";q=100;w=900</c>.</summary>
    public string Policy { get; }

    internal GcraRate Rate { get; }

    internal GcraRate InsuredRate { get; }
}
