namespace Tenfold.RateLimiting.Arithmetic;

/// <summary>
/// The generic cell rate algorithm (ITU-T I.371, virtual scheduling): in any time <c>T</c> at most <c>burst + T / interval</c>
/// requests pass, with one number to remember a caller. Pure: the same code decides in a process, and is what the Lua script
/// of this library says; simulations call it with a clock of their own.
/// </summary>
public static class Gcra
{
    /// <summary>
    /// Decides one request under several limits at once, all or nothing: it passes when every limit lets it, and only then
    /// uses up anything. A limit that refuses and has a block blocks the caller.
    /// </summary>
    /// <param name="rates">The limits.</param>
    /// <param name="states">What is known of the caller under each; on return what is to be remembered.</param>
    /// <param name="now">In microseconds, on the clock of the states.</param>
    /// <param name="cost">How many requests it counts as; 0 asks what one would meet, and changes nothing.</param>
    /// <param name="verdicts">What each limit says.</param>
    /// <returns>Whether it passes.</returns>
    public static bool Decide(ReadOnlySpan<GcraRate> rates, Span<GcraState> states, long now, long cost, Span<GcraVerdict> verdicts)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        var passes = true;
        for (var i = 0; i < rates.Length; i++)
        {
            verdicts[i] = Judge(rates[i], states[i], now, cost == 0 ? 1 : cost);
            passes &= verdicts[i].Wait == 0;
        }

        for (var i = 0; cost > 0 && i < rates.Length; i++)
        {
            var (rate, verdict) = (rates[i], verdicts[i]);
            if (passes)
            {
                verdict = verdict with { Backlog = verdict.Backlog + rate.Uses(cost) };
            }
            else if (verdict is { Wait: > 0, Blocked: 0 } && rate.Block > 0)
            {
                verdict = verdict with { Wait = Math.Max(verdict.Wait, rate.Block), Blocked = rate.Block };
            }
            else
            {
                continue;
            }

            verdicts[i] = verdict;
            states[i] = new GcraState(now + verdict.Backlog, verdict.Blocked > 0 ? now + verdict.Blocked : 0);
        }

        return passes;
    }

    /// <summary>What one limit says about a request, before anything is used up.</summary>
    public static GcraVerdict Judge(in GcraRate rate, in GcraState state, long now, long cost)
    {
        // Nothing in order is further ahead than this; what is was written under another limit, or before the clock was set back.
        var backlog = Math.Clamp(state.Arrival - now, 0, rate.Tolerance);
        var blocked = Math.Clamp(state.BlockedUntil - now, 0, rate.Block);
        return new GcraVerdict(Wait(rate, backlog, blocked, cost), backlog, blocked);
    }

    /// <summary>Microseconds until a request passes, if nothing else comes.</summary>
    public static long Wait(in GcraRate rate, long backlog, long blocked, long cost) =>
        Math.Max(blocked, Math.Max(0, backlog + rate.Uses(cost) - rate.Tolerance));
}
