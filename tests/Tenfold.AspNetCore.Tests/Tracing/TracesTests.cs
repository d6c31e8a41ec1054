using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Tenfold.AspNetCore.Tracing;
using Tenfold.Caching.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Tracing;

public sealed class TracesTests
{
    [Theory]
    [InlineData("", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x", true)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://x", true)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x;OTEL_SDK_DISABLED=true", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://x;OTEL_TRACES_EXPORTER=none", false)]
    public void They_are_sent_when_the_standard_variables_ask_for_it(string variables, bool wanted) => Assert.Equal(
        wanted,
        Traces.AreWanted(new ConfigurationBuilder().AddInMemoryCollection(variables.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(v => KeyValuePair.Create(v.Split('=')[0], (string?)v.Split('=')[1]))).Build()));

    [Fact]
    public async Task A_request_becomes_a_span_at_the_collector()
    {
        var received = new StringBuilder(); // other tests' requests are in it, too: sources of activities are the process's
        await using var collector = await CollectorAsync(received);
        await using var instance = await Instance.StartAsync(
            app => app.MapGet("/products/{id}", (int id) => id),
            null,
            "--TENFOLD_SERVICE=shop-api", "--TENFOLD_INSTANCE=api-7", $"--OTEL_EXPORTER_OTLP_ENDPOINT={collector.Urls.First()}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
        await instance.Http.GetStringAsync("/products/7");
        await instance.App.StopAsync(); // sends what it has

        await Wait.ForAsync("the collector has it", () => Has("/products/{id}") && Has("shop-api") && Has("api-7"));

        bool Has(string text)
        {
            lock (received)
            {
                return received.ToString().Contains(text, StringComparison.Ordinal);
            }
        }
    }

    private static async Task<WebApplication> CollectorAsync(StringBuilder received)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var collector = builder.Build();
        collector.MapPost("/v1/traces", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            lock (received)
            {
                received.Append(Encoding.Latin1.GetString(body.ToArray()));
            }
        });
        await collector.StartAsync();
        return collector;
    }
}
