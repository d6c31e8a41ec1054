namespace Tenfold.Jobs;

/// <summary>Looks whether options make sense, when the app is built: later they would fail in the middle of work, or stop it without a word.</summary>
internal static class JobOptionsCheck
{
    private const int LongestName = 200;
    private const int MostConcurrency = 10_000;

    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    /// <exception cref="JobOptionsException">The first that does not: its queue, its name, what was found, what is allowed.</exception>
    public static void Require(JobOptions options)
    {
        Between("Drain", options.Drain, TimeSpan.Zero, TimeSpan.FromDays(1));
        Between("PresumedDead", options.PresumedDead, TimeSpan.FromMilliseconds(200), TimeSpan.FromHours(1));
        Between("Poll", options.Poll, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
        Between("MostClaimed", options.MostClaimed, 1, 100_000);
        Between("MostPayload", options.MostPayload, 1, 256 << 20);
        foreach (var (name, queue) in options.Queues)
        {
            Holds(name.Length is > 0 and <= LongestName, "a queue's name", name, $"1 to {LongestName} characters");
            Holds(queue is not null, $"queue '{name}'", null, "options");
            Require($"queue '{name}': ", queue!);
        }
    }

    private static void Require(string of, JobQueueOptions queue)
    {
        Between($"{of}Concurrency", queue.Concurrency, 1, MostConcurrency);
        Between($"{of}Attempts", queue.Attempts, 1, short.MaxValue);
        Between($"{of}Deaths", queue.Deaths, 1, short.MaxValue);
        Holds(queue.Timeout > TimeSpan.Zero, $"{of}Timeout", queue.Timeout, "more than 0");
        Holds(queue.KeyConcurrency is null or >= 1, $"{of}KeyConcurrency", queue.KeyConcurrency, "at least 1, or null for no limit");
        Require($"{of}Rate", queue.Rate);
        Require($"{of}KeyRate", queue.KeyRate);
        Holds(queue.Backoff.First >= TimeSpan.Zero, $"{of}Backoff.First", queue.Backoff.First, "at least 0");
        Holds(queue.Backoff.Factor >= 1 && double.IsFinite(queue.Backoff.Factor), $"{of}Backoff.Factor", queue.Backoff.Factor, "at least 1");
        Between($"{of}Backoff.Most", queue.Backoff.Most, queue.Backoff.First, Longest);
        Holds(queue.Backoff.Jitter is >= 0 and <= 1, $"{of}Backoff.Jitter", queue.Backoff.Jitter, "0 to 1");
        Holds(queue.Keep.Completed >= 0, $"{of}Keep.Completed", queue.Keep.Completed, "at least 0");
        Holds(queue.Keep.Failed >= 0, $"{of}Keep.Failed", queue.Keep.Failed, "at least 0");
        Holds(queue.Keep.For is null || queue.Keep.For > TimeSpan.Zero, $"{of}Keep.For", queue.Keep.For, "more than 0, or null for any age");
    }

    private static void Require(string name, JobRate? rate)
    {
        if (rate is not null)
        {
            Between($"{name}.Limit", rate.Limit, 1, int.MaxValue);
            Between($"{name}.Per", rate.Per, TimeSpan.FromMicroseconds(1), Longest);
            Holds(rate.Per.Ticks >= rate.Limit, name, $"{rate.Limit:N0} per {rate.Per}", $"at most {TimeSpan.TicksPerSecond:N0} a second");
        }
    }

    private static void Between(string name, int found, int least, int most) => Holds(found >= least && found <= most, name, found, $"{least:N0} to {most:N0}");

    private static void Between(string name, TimeSpan found, TimeSpan least, TimeSpan most) => Holds(found >= least && found <= most, name, found, $"{least} to {most}");

    private static void Holds(bool holds, string name, object? found, string allowed)
    {
        if (!holds)
        {
            throw new JobOptionsException($"jobs cannot be run with these options: {name} is {found ?? "null"}; allowed is {allowed}");
        }
    }
}
