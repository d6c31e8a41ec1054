using System.Runtime.InteropServices;

namespace Tenfold.Jobs.Claiming;

/// <summary>How much of its limits a key (or, with the key "", a queue) uses.</summary>
/// <param name="Running">Jobs that run.</param>
/// <param name="Ahead">By how much its theoretical arrival time (GCRA) is ahead of now; zero or less for a key that has rested.</param>
/// <param name="Slot">How long from now the last job is due that had to wait for the key's rate; zero or less when none waits. Each further one is due one interval later, so that they do not all come back at once.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeyUse(int Running, TimeSpan Ahead, TimeSpan Slot);

/// <summary>What is to happen with a ready job of a limited queue.</summary>
/// <param name="IsTaken">It is run.</param>
/// <param name="After">It is ready again so long from now; null for one that is taken, or that waits for its key.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeyDecision(bool IsTaken, TimeSpan? After)
{
    public static readonly KeyDecision Take = new(true, null);

    /// <summary>As many jobs of its key run as may: it waits until one of them ends.</summary>
    public static readonly KeyDecision Park = new(false, null);
}

/// <summary>Limits of a queue and its keys. Pure.</summary>
internal static class KeyRules
{
    public static bool AreLimited(JobQueueOptions queue) => queue.KeyConcurrency is not null || queue.KeyRate is not null || queue.Rate is not null;

    /// <summary>How many starts a rate allows now, of so many; and, where it allows fewer, how long until the next one.</summary>
    public static (int Allowed, TimeSpan NextIn) Allow(JobRate? rate, TimeSpan ahead, int wanted)
    {
        if (rate is null)
        {
            return (wanted, TimeSpan.Zero);
        }

        var (interval, burst) = Gcra(rate);
        var from = ahead > TimeSpan.Zero ? ahead : TimeSpan.Zero;
        var allowed = from > burst ? 0 : (int)Math.Min(wanted, ((burst - from).Ticks / interval.Ticks) + 1);
        return (allowed, allowed == wanted ? TimeSpan.Zero : from + (allowed * interval) - burst);
    }

    /// <summary>Decides in order, and keeps account.</summary>
    /// <param name="queue">The limits.</param>
    /// <param name="keys">Keys of the jobs, in their order; null for one without.</param>
    /// <param name="use">By key; it is as of after the decisions then.</param>
    public static KeyDecision[] Decide(JobQueueOptions queue, IReadOnlyList<string?> keys, IDictionary<string, KeyUse> use)
    {
        var decisions = new KeyDecision[keys.Count];
        for (var i = 0; i < keys.Count; i++)
        {
            decisions[i] = keys[i] is { } key ? Decide(queue, key, use) : KeyDecision.Take;
        }

        return decisions;
    }

    /// <summary>The use of a key after so many more starts.</summary>
    public static KeyUse Started(JobRate? rate, KeyUse use, int count, bool counts) => use with
    {
        Running = use.Running + (counts ? count : 0),
        Ahead = rate is null ? use.Ahead : (use.Ahead > TimeSpan.Zero ? use.Ahead : TimeSpan.Zero) + (count * Gcra(rate).Interval),
    };

    private static KeyDecision Decide(JobQueueOptions queue, string key, IDictionary<string, KeyUse> use)
    {
        var used = use.TryGetValue(key, out var known) ? known : default;
        if (used.Running >= queue.KeyConcurrency)
        {
            return KeyDecision.Park;
        }

        if (Allow(queue.KeyRate, used.Ahead, 1) is { Allowed: 0, NextIn: var nextIn })
        {
            var next = used.Slot > TimeSpan.Zero ? used.Slot + Gcra(queue.KeyRate!).Interval : nextIn;
            use[key] = used with { Slot = next > nextIn ? next : nextIn };
            return new KeyDecision(false, use[key].Slot);
        }

        use[key] = Started(queue.KeyRate, used, 1, queue.KeyConcurrency is not null);
        return KeyDecision.Take;
    }

    private static (TimeSpan Interval, TimeSpan Burst) Gcra(JobRate rate) => (rate.Per / rate.Limit, rate.Per - (rate.Per / rate.Limit));
}
