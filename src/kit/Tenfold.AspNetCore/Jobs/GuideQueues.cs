using Tenfold.Guide;
using Tenfold.Jobs;

namespace Tenfold.AspNetCore.Jobs;

/// <summary>The guide's <c>queues:</c> as the kit's own options.</summary>
internal static class GuideQueues
{
    /// <summary>All queues of a guide by name.</summary>
    public static Dictionary<string, JobQueueOptions> Of(SystemGuide guide) =>
        guide.Queues.ToDictionary(queue => queue.Key, queue => Of(queue.Value), StringComparer.Ordinal);

    /// <summary>Resolved or not: what the guide does not say has the same default in both.</summary>
    public static JobQueueOptions Of(QueuePolicy queue) => new()
    {
        Attempts = queue.Attempts,
        Deaths = queue.Deaths,
        Backoff = Of(queue.Backoff),
        Concurrency = queue.Concurrency,
        Timeout = queue.Timeout,
        Keep = new JobKeep(queue.Keep.Completed, queue.Keep.Failed, queue.Keep.For),
        KeyConcurrency = queue.PerKey?.Concurrency,
        KeyRate = Of(queue.PerKey?.Rate),
        Rate = Of(queue.Rate),
    };

    private static Backoff Of(QueueBackoff backoff) => backoff.Fixed is { } pause
        ? new Backoff { First = pause, Factor = 1, Most = pause, Jitter = backoff.Jitter.Fraction }
        : new Backoff { First = backoff.Exponential ?? new Backoff().First, Factor = 2, Most = backoff.Most, Jitter = backoff.Jitter.Fraction };

    private static JobRate? Of(QueueRate? rate) => rate is null ? null : new JobRate(rate.Limit, rate.Per);
}
