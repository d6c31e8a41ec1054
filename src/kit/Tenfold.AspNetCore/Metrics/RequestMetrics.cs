using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Tenfold.AspNetCore.Metrics;

/// <summary>Adds another part's figures to <c>GET /metrics</c>.</summary>
internal delegate void MetricsWriter(StringBuilder text);

/// <summary>Counts requests by route and answers <c>GET /metrics</c> in the Prometheus text format.</summary>
internal sealed class RequestMetrics(IEnumerable<MetricsWriter> others)
{
    private readonly ConcurrentDictionary<(Endpoint?, string), RouteMetrics> _byEndpoint = new();

    /// <summary>The metrics of the request's route, with the request in flight; call End on them once.</summary>
    public RouteMetrics Begin(HttpContext context)
    {
        var key = (context.GetEndpoint(), KnownMethod(context.Request.Method));
        if (!_byEndpoint.TryGetValue(key, out var route))
        {
            route = _byEndpoint.GetOrAdd(key, static key => new RouteMetrics(key.Item2, (key.Item1 as RouteEndpoint)?.RoutePattern.RawText ?? "none"));
        }

        route.Begin();
        return route;
    }

    public async Task AnswerAsync(HttpContext context)
    {
        var text = new StringBuilder(8192);
        ProcessMetrics.Write(text);
        var routes = _byEndpoint.Values.OrderBy(route => route.Labels, StringComparer.Ordinal).ToArray();
        Section(text, "http_requests_total", "counter", "Requests answered, by route and class of status.", routes, static (route, to) => route.WriteRequests(to));
        Section(text, "http_requests_in_flight", "gauge", "Requests being answered.", routes, static (route, to) => route.WriteInFlight(to));
        Section(text, "http_request_duration_seconds", "histogram", "Time from the request's head to the end of its answer.", routes, static (route, to) => route.WriteDurations(to));
        foreach (var write in others)
        {
            write(text);
        }

        var body = Encoding.UTF8.GetBytes(text.ToString());
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }

    private static void Section(StringBuilder text, string name, string type, string help, RouteMetrics[] routes, Action<RouteMetrics, StringBuilder> write)
    {
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (var route in routes)
        {
            write(route, text);
        }
    }

    /// <summary>A client may send any word as its method; the metrics must not grow with it.</summary>
    private static string KnownMethod(string method) => method switch
    {
        "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD" or "OPTIONS" => method,
        _ => "other",
    };
}
