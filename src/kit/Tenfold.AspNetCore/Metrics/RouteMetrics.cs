using System.Globalization;
using System.Text;

namespace Tenfold.AspNetCore.Metrics;

/// <summary>Requests of one method and route: in flight, by status class, and a latency histogram. Thread-safe, constant memory.</summary>
internal sealed class RouteMetrics(string method, string route)
{
    /// <summary>Upper bounds in seconds, as Prometheus clients have them by default, one finer below 5 ms.</summary>
    private static readonly double[] Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly long[] _statusClasses = new long[6];
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private long _microseconds;
    private long _inFlight;

    public string Labels { get; } = $"method=\"{Escape(method)}\",route=\"{Escape(route)}\"";

    public void Begin() => Interlocked.Increment(ref _inFlight);

    public void End(int status, TimeSpan elapsed)
    {
        Interlocked.Decrement(ref _inFlight);
        Interlocked.Increment(ref _statusClasses[Math.Clamp(status / 100, 0, 5)]);
        var seconds = elapsed.TotalSeconds;
        var bucket = 0;
        while (bucket < Bounds.Length && seconds > Bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _buckets[bucket]);
        Interlocked.Add(ref _microseconds, (long)(seconds * 1_000_000));
    }

    public void WriteRequests(StringBuilder to)
    {
        for (var status = 1; status <= 5; status++)
        {
            if (Interlocked.Read(ref _statusClasses[status]) is > 0 and var count)
            {
                to.Append(CultureInfo.InvariantCulture, $"http_requests_total{{{Labels},status=\"{status}xx\"}} {count}\n");
            }
        }
    }

    public void WriteInFlight(StringBuilder to) =>
        to.Append(CultureInfo.InvariantCulture, $"http_requests_in_flight{{{Labels}}} {Interlocked.Read(ref _inFlight)}\n");

    public void WriteDurations(StringBuilder to)
    {
        long total = 0;
        for (var i = 0; i < _buckets.Length; i++)
        {
            total += Interlocked.Read(ref _buckets[i]);
            var bound = i < Bounds.Length ? Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            to.Append(CultureInfo.InvariantCulture, $"http_request_duration_seconds_bucket{{{Labels},le=\"{bound}\"}} {total}\n");
        }

        to.Append(CultureInfo.InvariantCulture, $"http_request_duration_seconds_sum{{{Labels}}} {Interlocked.Read(ref _microseconds) / 1e6:0.######}\n");
        to.Append(CultureInfo.InvariantCulture, $"http_request_duration_seconds_count{{{Labels}}} {total}\n");
    }

    private static string Escape(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
