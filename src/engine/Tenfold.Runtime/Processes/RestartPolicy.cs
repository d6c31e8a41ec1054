namespace Tenfold.Runtime.Instances;

/// <summary>When an instance that ended is started again. Pure; thread-safe.</summary>
/// <remarks>
/// The first death costs no wait, so that capacity is back at once. After that: exponential backoff with full jitter
/// (M. Brooker, "Exponential Backoff And Jitter", AWS 2015): a random share of a limit that doubles up to a cap.
/// </remarks>
public sealed record RestartPolicy
{
    /// <summary>Limit of the wait after the second death in a row. Default 500 ms.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The limit never grows beyond this. Default 30 s.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An instance that was ready for this long ran well: the count of deaths starts anew. Default 1 min.</summary>
    public TimeSpan RanWell { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Deaths in a row, none after having run well, that are a crash loop. Default 5.</summary>
    public int CrashLoop { get; init; } = 5;

    /// <summary>What to do about a death.</summary>
    /// <param name="deathsBefore">Deaths in a row before this one.</param>
    /// <param name="readyFor">How long the instance had been ready when it died; zero when it never was.</param>
    /// <param name="random">Uniform in [0, 1).</param>
    public RestartDecision Decide(int deathsBefore, TimeSpan readyFor, double random)
    {
        var deaths = readyFor >= RanWell ? 1 : deathsBefore + 1;
        var wait = deaths == 1 ? TimeSpan.Zero : Limit(deaths) * random;
        return new RestartDecision(wait, deaths, deaths >= CrashLoop);
    }

    private TimeSpan Limit(int deaths)
    {
        var doublings = Math.Min(deaths - 2, 30); // 2^30 times anything is over the cap, and does not overflow
        var limit = First.TotalSeconds * Math.Pow(2, doublings);
        return limit < Longest.TotalSeconds ? TimeSpan.FromSeconds(limit) : Longest;
    }
}

/// <summary>What to do about a death.</summary>
/// <param name="Wait">Start again after this.</param>
/// <param name="Deaths">Deaths in a row, this one included.</param>
/// <param name="CrashLoop">Whether it dies again and again: to be reported; it is still started again.</param>
public readonly record struct RestartDecision(TimeSpan Wait, int Deaths, bool CrashLoop);
