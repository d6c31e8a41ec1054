using Tenfold.Wire.Latency;

namespace Tenfold.Gateway.Metrics;

/// <summary>What requests with one label met on one instance. Only grows. Thread-safe, no lock.</summary>
internal sealed class Series
{
    private readonly long[] _byClass = new long[6]; // 0: the client went away before the answer; 1..5: 1xx..5xx
    private long _retries;

    public ConcurrentLatencyHistogram Latency { get; } = new();

    /// <summary>All requests so far.</summary>
    public long Requests
    {
        get
        {
            long sum = 0;
            for (var i = 0; i < _byClass.Length; i++)
            {
                sum += Volatile.Read(ref _byClass[i]);
            }

            return sum;
        }
    }

    /// <summary>Those answered with 5xx.</summary>
    public long Failed => Volatile.Read(ref _byClass[5]);

    /// <summary>Those that got an answer, and not one with 5xx.</summary>
    public long Served => Requests - Failed - Volatile.Read(ref _byClass[0]);

    public void Record(int status, TimeSpan latency)
    {
        Interlocked.Increment(ref _byClass[Math.Clamp(status / 100, 0, 5)]);
        Latency.Record(latency);
    }

    /// <summary>Counts a try that failed here and went on elsewhere.</summary>
    public void Retried() => Interlocked.Increment(ref _retries);

    public SeriesSnapshot Snapshot() => new([.. _byClass], Volatile.Read(ref _retries), Latency.Snapshot());
}

/// <summary>What requests met, up to one moment. Immutable.</summary>
/// <param name="ByClass">Answers by hundreds of their status; 0 counts clients that went away first.</param>
/// <param name="Retries">Tries that failed and went on elsewhere.</param>
/// <param name="Latency">From the request's head received to the last byte of the answer handed to the system.</param>
public sealed record SeriesSnapshot(IReadOnlyList<long> ByClass, long Retries, LatencySnapshot Latency)
{
    /// <summary>Nothing yet.</summary>
    public static readonly SeriesSnapshot Empty = new(new long[6], 0, LatencySnapshot.Empty);

    /// <summary>All requests.</summary>
    public long Requests => ByClass.Sum();

    /// <summary>Answers with 5xx.</summary>
    public long Errors => ByClass[5];

    /// <summary>Those that got an answer, and not one with 5xx.</summary>
    public long Served => Requests - Errors - ByClass[0];

    /// <summary>Both together.</summary>
    public SeriesSnapshot Plus(SeriesSnapshot other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. ByClass.Zip(other.ByClass, (a, b) => a + b)], Retries + other.Retries, Latency.Plus(other.Latency));
    }

    /// <summary>What came after an earlier snapshot of the same series.</summary>
    public SeriesSnapshot Since(SeriesSnapshot earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return new([.. ByClass.Zip(earlier.ByClass, (a, b) => a - b)], Retries - earlier.Retries, Latency.Since(earlier.Latency));
    }
}
