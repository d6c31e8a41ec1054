namespace Tenfold.Redis.Connections;

/// <summary>Pauses between attempts: doubling, and drawn from the upper half so that many clients do not come back together.</summary>
internal static class Backoff
{
    /// <param name="attempt">Failures in a row, from 1.</param>
    /// <param name="shortest">Upper end of the first pause.</param>
    /// <param name="longest">Upper end of the last ones.</param>
    /// <param name="draw">From 0 to 1.</param>
    public static TimeSpan Pause(int attempt, TimeSpan shortest, TimeSpan longest, double draw)
    {
        var whole = Math.Min(longest.TotalMilliseconds, shortest.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30) - 1));
        return TimeSpan.FromMilliseconds(whole * (0.5 + (draw / 2)));
    }
}
