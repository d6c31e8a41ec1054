using Tenfold.Caching.Loading;

namespace Tenfold.Caching.Entries;

/// <summary>From what an entry says of itself and what it still has to live, to timestamps. Knows no wall clock.</summary>
internal static class Times
{
    /// <param name="image">The entry.</param>
    /// <param name="policy">The policy it is read under.</param>
    /// <param name="clock">The cache's clock.</param>
    /// <param name="now">When <paramref name="remainingMs"/> was known.</param>
    /// <param name="remainingMs">What it still has to live, stale window included.</param>
    /// <param name="epoch">See <see cref="EntryTimes"/>.</param>
    /// <param name="capped">Whether the policy's L1 lifetime counts: where Redis has the entry too.</param>
    public static EntryTimes Of(EntryImage image, CachePolicy policy, Clock clock, long now, long remainingMs, int epoch, bool capped = true)
    {
        var age = Math.Clamp(image.LifetimeMs + image.StaleMs - remainingMs, 0, image.LifetimeMs + image.StaleMs);
        var loaded = now - clock.Ticks(age);
        var fresh = loaded + clock.Ticks(image.LifetimeMs);
        if (capped && policy.L1Ttl is { } most)
        {
            fresh = Math.Min(fresh, now + clock.Ticks(most));
        }

        return new EntryTimes(
            loaded,
            policy.Eager is { } share ? loaded + clock.Ticks(image.LifetimeMs * share) : long.MaxValue,
            fresh,
            now + clock.Ticks(remainingMs),
            epoch);
    }
}
