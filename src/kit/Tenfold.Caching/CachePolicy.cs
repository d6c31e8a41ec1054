namespace Tenfold.Caching;

/// <summary>How the entries of one kind are kept: the app's side of a policy under <c>cache:</c> in the guide. Immutable.</summary>
public sealed record CachePolicy
{
    /// <summary>How long a value is fresh.</summary>
    public required TimeSpan Ttl { get; init; }

    /// <summary>How long this node's memory serves it before Redis is asked again. Default: as long as it is fresh.</summary>
    public TimeSpan? L1Ttl { get; init; }

    /// <summary>Each lifetime is shortened by a random share of up to this much (0 to 0.9), so that entries do not expire together. Default 0.05.</summary>
    public double Jitter { get; init; } = 0.05;

    /// <summary>How long beyond <see cref="Ttl"/> a value may stand in for a load that fails or is slow. Never one that was invalidated. Default 0: not at all.</summary>
    public TimeSpan Stale { get; init; }

    /// <summary>After a load that failed while a stale value was there, the load is not tried again for this long. Default 1 s.</summary>
    public TimeSpan Throttle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Share of its lifetime (0 to 1) after which a hit refreshes the value in the background. Default null: not.</summary>
    public double? Eager { get; init; }

    /// <summary>Tags of every entry of this policy, beside those of the call.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>How long "there is no such thing" (null, or a response of 404) is kept. Default null: not at all.</summary>
    public TimeSpan? Negative { get; init; }

    /// <summary>Part of every key: a release that changes what values look like takes the next number and never reads the old ones. Default 1.</summary>
    public int Version { get; init; } = 1;

    /// <summary>A load that takes longer is left to itself and the stale value is served, if there is one. Default null: waits.</summary>
    public TimeSpan? SoftTimeout { get; init; }

    /// <summary>A load that takes longer is cancelled and given up with a <see cref="TimeoutException"/>. Default 30 s.</summary>
    public TimeSpan HardTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    internal CachePolicy Checked(string name)
    {
        Require(Ttl > TimeSpan.Zero && Ttl <= TimeSpan.FromDays(365), nameof(Ttl), Ttl, "above 0, up to 365 days");
        Require(L1Ttl is null || L1Ttl > TimeSpan.Zero, nameof(L1Ttl), L1Ttl, "above 0");
        Require(Jitter is >= 0 and <= 0.9, nameof(Jitter), Jitter, "0 to 0.9");
        Require(Stale >= TimeSpan.Zero && Stale <= TimeSpan.FromDays(365), nameof(Stale), Stale, "0 to 365 days");
        Require(Eager is null or (> 0 and < 1), nameof(Eager), Eager, "above 0, below 1");
        Require(Negative is null || Negative > TimeSpan.Zero, nameof(Negative), Negative, "above 0");
        Require(Version is > 0 and < 1_000_000, nameof(Version), Version, "1 to 999999");
        Require(SoftTimeout is null || (SoftTimeout > TimeSpan.Zero && SoftTimeout <= TimeSpan.FromHours(1)), nameof(SoftTimeout), SoftTimeout, "above 0, up to 1 hour");
        Require(HardTimeout > TimeSpan.Zero && HardTimeout <= TimeSpan.FromHours(1), nameof(HardTimeout), HardTimeout, "above 0, up to 1 hour");
        Require(Throttle >= TimeSpan.Zero, nameof(Throttle), Throttle, "0 or more");
        return this;

        void Require(bool holds, string what, object? found, string allowed)
        {
            if (!holds)
            {
                throw new ArgumentException($"Cache policy '{name}': {what} is {found}; allowed: {allowed}.", nameof(name));
            }
        }
    }
}
