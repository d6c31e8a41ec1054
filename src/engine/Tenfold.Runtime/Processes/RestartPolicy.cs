namespace Tenfold.Runtime.Processes;

/// <summary>When an instance or a store that ended is started again. Pure; thread-safe.</summary>
/// <remarks>
/// Exponential backoff with jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015): a wait below a limit that doubles
/// up to a cap. The defaults are those of an instance: its first death costs no wait, so that capacity is back at once.
/// </remarks>
public sealed record RestartPolicy
{
    /// <summary>For stores: 100 ms doubling to 15 s, at least half of it, also after the first death; well is 60 s; 5 in a row are a crash loop.</summary>
    public static RestartPolicy Store { get; } = new()
    {
        First = TimeSpan.FromMilliseconds(100),
        Longest = TimeSpan.FromSeconds(15),
        FirstAtOnce = false,
        Jitter = 0.5,
    };

    /// <summary>Limit of the first wait. Default 500 ms.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The limit never grows beyond this. Default 30 s.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether the first death in a row costs no wait. Default true.</summary>
    public bool FirstAtOnce { get; init; } = true;

    /// <summary>Share of the limit that is left to chance, 0 to 1. Default 1: any wait from nothing to the limit.</summary>
    public double Jitter { get; init; } = 1;

    /// <summary>What ran for this long ran well: the count of deaths starts anew. Default 1 min.</summary>
    public TimeSpan RanWell { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Deaths in a row, none after having run well, that are a crash loop. Default 5.</summary>
    public int CrashLoop { get; init; } = 5;

    /// <summary>What to do about a death.</summary>
    /// <param name="deathsBefore">Deaths in a row before this one.</param>
    /// <param name="ranFor">How long it had been ready when it died; zero when it never was.</param>
    /// <param name="random">Uniform in [0, 1).</param>
    public RestartDecision Decide(int deathsBefore, TimeSpan ranFor, double random)
    {
        var deaths = ranFor >= RanWell ? 1 : deathsBefore + 1;
        var waits = FirstAtOnce ? deaths - 1 : deaths;
        var wait = waits == 0 ? TimeSpan.Zero : Limit(waits) * (1 - Jitter + (Jitter * random));
        return new RestartDecision(wait, deaths, deaths >= CrashLoop);
    }

    private TimeSpan Limit(int waits)
    {
        var doublings = Math.Min(waits - 1, 30); // 2^30 times anything is over the cap, and does not overflow
        var limit = First.TotalSeconds * Math.Pow(2, doublings);
        return limit < Longest.TotalSeconds ? TimeSpan.FromSeconds(limit) : Longest;
    }
}

/// <summary>What to do about a death.</summary>
/// <param name="Wait">Start again after this.</param>
/// <param name="Deaths">Deaths in a row, this one included.</param>
/// <param name="CrashLoop">Whether it dies again and again: to be reported; it is still started again.</param>
public readonly record struct RestartDecision(TimeSpan Wait, int Deaths, bool CrashLoop);
