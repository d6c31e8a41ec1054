namespace Tenfold.Runtime.Stores;

/// <summary>How long to wait before a server is started again: exponential with jitter; a crash loop when it never stays up.</summary>
/// <param name="First">Pause after the first end.</param>
/// <param name="Longest">Longest pause.</param>
/// <param name="Stable">Up for this long, and the next end counts as a first one.</param>
/// <param name="LoopAfter">Ends in a row that make a crash loop.</param>
public sealed record RestartPolicy(TimeSpan First, TimeSpan Longest, TimeSpan Stable, int LoopAfter)
{
    /// <summary>For stores: 100 ms doubling to 15 s; 5 ends in a row, none of which lasted 60 s, are a crash loop.</summary>
    public static RestartPolicy Default { get; } = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(60), 5);

    /// <summary>The pause after the n-th end in a row (1 is the first); <paramref name="jitter"/> from 0 to 1 takes up to half of it away.</summary>
    public TimeSpan Pause(int ends, double jitter)
    {
        var full = Math.Min(First.Ticks * Math.Pow(2, Math.Min(ends, 40) - 1), Longest.Ticks);
        return TimeSpan.FromTicks((long)(full * (1 - (jitter / 2))));
    }

    /// <summary>The count of ends in a row, after one more that came after <paramref name="up"/>.</summary>
    public int Count(int ends, TimeSpan up) => up >= Stable ? 1 : ends + 1;
}
