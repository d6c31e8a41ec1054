namespace Tenfold.RateLimiting;

/// <summary>Who decided.</summary>
public enum DecisionSource
{
    /// <summary>Redis, for every process together.</summary>
    Redis,

    /// <summary>This process on its own, because Redis is away or too slow.</summary>
    Insurance,

    /// <summary>This process, because it knows that Redis would refuse.</summary>
    DenyCache,
}

/// <summary>What one limit says about a request.</summary>
/// <param name="Quota">The limit.</param>
/// <param name="Remaining">Requests that would pass now.</param>
/// <param name="RetryAfter">Zero when it lets the request pass; else how long until it would let one like it, if nothing else comes.</param>
/// <param name="Reset">How long until the whole quota is there again.</param>
public readonly record struct QuotaState(Quota Quota, long Remaining, TimeSpan RetryAfter, TimeSpan Reset);

/// <summary>Whether a request passes, and what each limit said. Immutable; thread-safe.</summary>
/// <param name="IsAllowed">Whether every limit lets it pass.</param>
/// <param name="Source">Who decided.</param>
/// <param name="Quotas">Every limit that was asked, in the order of the checks.</param>
public sealed record RateLimitDecision(bool IsAllowed, DecisionSource Source, IReadOnlyList<QuotaState> Quotas)
{
    /// <summary>How long until a request like it could pass; zero when it does.</summary>
    public TimeSpan RetryAfter
    {
        get
        {
            var longest = TimeSpan.Zero;
            for (var i = 0; i < Quotas.Count; i++)
            {
                longest = Quotas[i].RetryAfter > longest ? Quotas[i].RetryAfter : longest;
            }

            return longest;
        }
    }
}

/// <summary>What one limit has said so far.</summary>
/// <param name="Quota">The limit.</param>
/// <param name="Source">Who decided.</param>
/// <param name="Passed">Whether these were let pass by it, or refused.</param>
/// <param name="Requests">How many.</param>
public readonly record struct QuotaCount(Quota Quota, DecisionSource Source, bool Passed, long Requests);

/// <summary>A limit, and who is counted under it.</summary>
/// <param name="Quota">The limit: one that the limiter was made with.</param>
/// <param name="Caller">Who.</param>
public readonly record struct QuotaCheck(Quota Quota, Caller Caller);
