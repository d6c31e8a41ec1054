using Tenfold.Wire.Latency;

namespace Tenfold.Load.Results;

/// <summary>Why a request counts as failed.</summary>
public enum ErrorKind
{
    /// <summary>No connection: refused, unreachable, no TLS.</summary>
    Connect,

    /// <summary>No whole answer within the route's timeout.</summary>
    Timeout,

    /// <summary>The connection was closed before the answer was complete, or the answer is not HTTP/1.1.</summary>
    Protocol,

    /// <summary>Another status than the step expects.</summary>
    Status,

    /// <summary>A value to capture is not in the answer.</summary>
    Capture,
}

/// <summary>
/// What was measured of one route, or of all. The latency holds every request that was answered, whatever its status, and
/// every timeout with the time waited; a request without a connection or a usable answer has no latency.
/// </summary>
/// <remarks>One writer; to be read when it is done.</remarks>
public sealed class RouteStats
{
    private readonly long[] _errors = new long[5];
    private readonly SortedDictionary<int, long> _statuses = [];

    /// <summary>Requests that ended, well or not.</summary>
    public long Count { get; private set; }

    /// <summary>Requests that failed.</summary>
    public long Errors { get; private set; }

    /// <summary>Share of requests that failed, 0 to 1.</summary>
    public double ErrorShare => Count == 0 ? 0 : (double)Errors / Count;

    /// <summary>Latencies.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>Statuses that were not expected, with their number.</summary>
    public IReadOnlyDictionary<int, long> Statuses => _statuses;

    /// <summary>Failures of one kind.</summary>
    public long ErrorsOf(ErrorKind kind) => _errors[(int)kind];

    /// <summary>Adds a request.</summary>
    /// <param name="nanoseconds">Its latency; null when it has none.</param>
    /// <param name="error">Why it failed; null when it did not.</param>
    /// <param name="status">Status of the answer, for <see cref="ErrorKind.Status"/>.</param>
    public void Record(long? nanoseconds, ErrorKind? error = null, int status = 0)
    {
        Count++;
        if (nanoseconds is { } latency)
        {
            Latency.Record(latency);
        }

        if (error is { } kind)
        {
            Errors++;
            _errors[(int)kind]++;
            if (kind == ErrorKind.Status)
            {
                _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
            }
        }
    }

    /// <summary>Adds everything of another one.</summary>
    public void Merge(RouteStats other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Count += other.Count;
        Errors += other.Errors;
        Latency.Merge(other.Latency);
        for (var i = 0; i < _errors.Length; i++)
        {
            _errors[i] += other._errors[i];
        }

        foreach (var (status, n) in other._statuses)
        {
            _statuses[status] = _statuses.GetValueOrDefault(status) + n;
        }
    }
}
