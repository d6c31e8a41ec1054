using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tenfold.Caching.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Metrics;

[Collection(ProcessWide.Meters)]
public sealed class MetricsTests
{
    [Fact]
    public async Task Requests_are_counted_by_route_and_class_of_status()
    {
        await using var instance = await Instance.StartAsync(app => app.MapGet("/things/{id}", static context => context.Response.WriteAsync("x")));
        await Task.WhenAll(Enumerable.Range(0, 25).Select(id => instance.Http.GetStringAsync($"/things/{id}")));
        using (await instance.Http.GetAsync("/nowhere"))
        using (await instance.Http.SendAsync(new HttpRequestMessage(new HttpMethod("BREW"), "/things/1")))
        {
        }

        // A request is counted when it is over, which may be after its client has its answer.
        var text = "";
        await Wait.ForAsync("all are counted", async () => (text = await instance.Http.GetStringAsync("/metrics")).Contains("route=\"none\",status=\"4xx\"} 1\n", StringComparison.Ordinal)
            && text.Contains("http_requests_in_flight{method=\"GET\",route=\"/things/{id}\"} 0\n", StringComparison.Ordinal)
            && text.Contains("method=\"other\"", StringComparison.Ordinal));
        Assert.Contains("http_requests_total{method=\"GET\",route=\"/things/{id}\",status=\"2xx\"} 25\n", text, StringComparison.Ordinal);
        Assert.Contains("http_request_duration_seconds_count{method=\"GET\",route=\"/things/{id}\"} 25\n", text, StringComparison.Ordinal);
        Assert.Contains("http_request_duration_seconds_bucket{method=\"GET\",route=\"/things/{id}\",le=\"+Inf\"} 25\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("BREW", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_line_is_a_comment_or_a_sample()
    {
        await using var instance = await Instance.StartAsync();
        using var response = await instance.Http.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var lines = (await response.Content.ReadAsStringAsync()).TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.Matches("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.]+)$""", line));
        Assert.Contains(lines, line => line.StartsWith("process_cpu_seconds_total ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("process_resident_memory_bytes ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("dotnet_gc_collections_total{generation=\"2\"} ", StringComparison.Ordinal));
    }
}
