using NpgsqlTypes;
using Tenfold.Jobs.Kinds;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>A job as it is enqueued, checked.</summary>
internal sealed record JobRow(string Queue, short Lane, string Kind, byte[] Payload, EnqueueOptions Options)
{
    private const int LongestName = 200;

    private static readonly EnqueueOptions Plain = new();

    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(36_500);

    /// <exception cref="JobException">Something is out of range.</exception>
    public static JobRow Of<TJob>(JobKind<TJob> kind, TJob job, EnqueueOptions? options, int mostPayload)
    {
        options ??= Plain;
        if (options.Deadline == DateTimeOffset.MaxValue)
        {
            options = options with { Deadline = null }; // PostgreSQL would take it for infinity, which cannot be counted with
        }

        var queue = options.Queue ?? kind.Queue;
        Require(queue.Length is > 0 and <= LongestName, "queue", queue, $"a name of 1 to {LongestName} characters");
        Require(options.Priority is >= 0 and <= EnqueueOptions.LastPriority, "priority", options.Priority, $"0 (first) to {EnqueueOptions.LastPriority} (last)");
        Require(options.Attempts is null or (>= 1 and <= short.MaxValue), "attempts", options.Attempts, "1 to 32,767");
        Require(options.Delay is null || options.At is null, "delay", options.Delay, "nothing together with At");
        Require(options.Delay is not { } delay || delay <= LongestDelay, "delay", options.Delay, $"at most {LongestDelay.TotalDays:N0} days");
        Require(options.At is null || (options.At > DateTimeOffset.MinValue && options.At < DateTimeOffset.MaxValue), "time (At)", options.At, "a moment; leave it out for at once, and do not enqueue what is never to run");
        Require(options.Deadline is not { } deadline || deadline > DateTimeOffset.MinValue, "deadline", options.Deadline, "a moment; leave it out for none");
        Require(options.Key is null or { Length: > 0 and <= LongestName }, "key", options.Key, $"1 to {LongestName} characters");
        Require(options.Unique is null or { Value.Length: > 0 and <= LongestName }, "unique", options.Unique?.Value, $"1 to {LongestName} characters");
        Require(options.Unique is null || options.Unique.While == UniqueWhile.Time == options.Unique.For > TimeSpan.Zero, "unique", options.Unique?.For, "a time (For) with UniqueWhile.Time, and only with it");
        var payload = kind.Write(job);
        Require(payload.Length <= mostPayload, "payload", $"{payload.Length:N0} bytes", $"at most {mostPayload:N0} bytes: put large data into a table and its key into the job");
        return new JobRow(queue, (short)((2 * options.Priority) + 1), kind.Kind, payload, options);

        void Require(bool holds, string what, object? found, string allowed)
        {
            if (!holds)
            {
                throw new JobException($"a job of kind '{kind.Kind}' cannot be enqueued: its {what} is {found}; allowed is {allowed}");
            }
        }
    }

    /// <summary>Ready at once, and with nothing that other rows know of.</summary>
    public bool IsPlain => Options is { Delay: null, At: null, Deadline: null, Attempts: null, Key: null, Unique: null, After.Count: 0 };

    public static NpgsqlDbType PayloadType => NpgsqlDbType.Json;
}
