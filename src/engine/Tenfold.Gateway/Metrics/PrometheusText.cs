using System.Buffers;
using System.Globalization;
using System.Text;
using Tenfold.RateLimiting;
using Tenfold.Wire.Latency;

namespace Tenfold.Gateway.Metrics;

/// <summary>A snapshot in Prometheus text format 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4";

    private static readonly string[] Classes = ["aborted", "1xx", "2xx", "3xx", "4xx", "5xx"];

    public static void Write(GatewaySnapshot snapshot, IReadOnlyDictionary<(string Route, string Service, string Instance), int> inFlight, DistributedRateLimiter limits, IBufferWriter<byte> output)
    {
        var text = new StringBuilder(8192);
        Family(text, "requests_total", "counter", "Requests answered, by class of status; aborted: the client went away first.");
        foreach (var series in snapshot.Series)
        {
            for (var i = 0; i < Classes.Length; i++)
            {
                if (series.Requests.ByClass[i] > 0)
                {
                    Line(text, "requests_total", $"{Labels(series)},code=\"{Classes[i]}\"", series.Requests.ByClass[i]);
                }
            }
        }

        Family(text, "errors_total", "counter", "Requests answered with 5xx.");
        Each(text, snapshot, "errors_total", series => series.Requests.Errors);
        Family(text, "retries_total", "counter", "Tries that failed on this instance and went on to another.");
        Each(text, snapshot, "retries_total", series => series.Requests.Retries);
        Durations(text, snapshot);
        Family(text, "in_flight", "gauge", "Requests that the instance is answering.");
        // Zeros too, for every route that an instance has answered.
        var met = snapshot.Series.Where(series => series.Instance.Length > 0).Select(series => (series.Route, series.Service, series.Instance));
        foreach (var key in met.Union(inFlight.Keys))
        {
            Line(text, "in_flight", Labels(key.Route, key.Service, key.Instance), inFlight.GetValueOrDefault(key));
        }

        Family(text, "instance_waiting", "gauge", "Requests that wait for a connection to the instance.");
        foreach (var instance in snapshot.Instances)
        {
            Line(text, "instance_waiting", Labels(instance), instance.Waiting);
        }

        Family(text, "instance_failures_total", "counter", "Tries that failed in a way that counts against the instance.");
        foreach (var instance in snapshot.Instances)
        {
            Line(text, "instance_failures_total", Labels(instance), instance.Failures);
        }

        Family(text, "instance_state", "gauge", "1 for the state that the instance is in.");
        foreach (var instance in snapshot.Instances)
        {
            foreach (var state in Enum.GetValues<InstanceState>())
            {
                Line(text, "instance_state", $"{Labels(instance)},state=\"{state.ToString().ToLowerInvariant()}\"", instance.State == state ? 1 : 0);
            }
        }

        Limits(text, limits);
        Family(text, "client_connections", "gauge", "Open HTTP/1 connections and HTTP/2 requests.");
        text.Append(CultureInfo.InvariantCulture, $"tenfold_gateway_client_connections {snapshot.ClientConnections}\n");
        output.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static void Limits(StringBuilder text, DistributedRateLimiter limits)
    {
        Family(text, "rate_limit_requests_total", "counter", "Requests under a rate limit, by what it said, and whether Redis, insurance or the deny cache decided.");
        foreach (var (quota, source, passed, requests) in limits.Counts)
        {
            var by = source switch { DecisionSource.Redis => "redis", DecisionSource.Insurance => "insurance", _ => "deny-cache" };
            if (!(passed && source == DecisionSource.DenyCache))
            {
                Line(text, "rate_limit_requests_total", $"limit=\"{quota.Name}\",source=\"{by}\",outcome=\"{(passed ? "allowed" : "refused")}\"", requests);
            }
        }

        Family(text, "rate_limit_insured", "gauge", "1 while the gateway decides on its own because Redis is away.");
        text.Append(CultureInfo.InvariantCulture, $"tenfold_gateway_rate_limit_insured {(limits.IsInsured ? 1 : 0)}\n");
    }

    private static void Durations(StringBuilder text, GatewaySnapshot snapshot)
    {
        Family(text, "request_duration_seconds", "histogram", "From the request's head received to the last byte of the answer.");
        var bounds = LatencySnapshot.PrometheusBounds;
        var counts = new long[bounds.Count];
        foreach (var series in snapshot.Series)
        {
            var latency = series.Requests.Latency;
            latency.CountAtOrBelow(bounds, counts);
            for (var i = 0; i < counts.Length; i++)
            {
                Line(text, "request_duration_seconds_bucket", $"{Labels(series)},le=\"{bounds[i].TotalSeconds.ToString(CultureInfo.InvariantCulture)}\"", counts[i]);
            }

            Line(text, "request_duration_seconds_bucket", $"{Labels(series)},le=\"+Inf\"", latency.Count);
            text.Append(CultureInfo.InvariantCulture, $"tenfold_gateway_request_duration_seconds_sum{{{Labels(series)}}} {latency.Sum.TotalSeconds}\n");
            Line(text, "request_duration_seconds_count", Labels(series), latency.Count);
        }
    }

    private static void Each(StringBuilder text, GatewaySnapshot snapshot, string name, Func<LabelledSeries, long> value)
    {
        foreach (var series in snapshot.Series)
        {
            Line(text, name, Labels(series), value(series));
        }
    }

    private static void Family(StringBuilder text, string name, string type, string help) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP tenfold_gateway_{name} {help}\n# TYPE tenfold_gateway_{name} {type}\n");

    private static void Line(StringBuilder text, string name, string labels, long value) =>
        text.Append(CultureInfo.InvariantCulture, $"tenfold_gateway_{name}{{{labels}}} {value}\n");

    private static string Labels(LabelledSeries series) => Labels(series.Route, series.Service, series.Instance);

    private static string Labels(string route, string service, string instance) => $"route=\"{Escape(route)}\",service=\"{Escape(service)}\",instance=\"{Escape(instance)}\"";

    private static string Labels(InstanceSnapshot instance) => $"service=\"{Escape(instance.Service)}\",instance=\"{Escape(instance.Instance)}\"";

    private static string Escape(string label) => label
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
