using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>A file through the gateway, a job at the worker, and events back.</summary>
[Collection(nameof(RezFixture))]
public sealed class ImportTests(RezFixture fixture)
{
    [Fact]
    public async Task A_file_of_products_is_imported_by_the_worker_and_its_progress_streams_through_the_gateway()
    {
        using var http = new HttpClient { BaseAddress = fixture.Rez.Address, Timeout = TimeSpan.FromSeconds(30) };
        await RezAdministrator.LogInAsync(http);
        using var file = new StringContent("sku,name,brand,price,categoryId\n" + string.Concat(Enumerable.Range(1, 1_500).Select(n => $"e2e-{n},Thing {n},Brand,9.50,22\n")), new MediaTypeHeaderValue("text/csv"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/merchants/77/import") { Content = file, Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } } };
        using var taken = await http.SendAsync(request);
        var body = await taken.Content.ReadAsStringAsync();
        Assert.True(taken.StatusCode == HttpStatusCode.Accepted, body);

        using var events = await http.GetAsync(JsonNode.Parse(body)!["data"]!["events"]!.GetValue<string>(), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", events.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await events.Content.ReadAsStreamAsync());
        var last = "";
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
        {
            last = line.StartsWith("data: ", StringComparison.Ordinal) ? line["data: ".Length..] : last;
        }

        var import = JsonNode.Parse(last)!;
        Assert.Equal(("completed", 1_500), (import["state"]!.GetValue<string>(), import["created"]!.GetValue<int>()));

        var list = JsonNode.Parse(await http.GetStringAsync("/api/products?merchant=77&limit=1"))!;
        Assert.StartsWith("Thing ", list["data"]![0]!["name"]!.GetValue<string>(), StringComparison.Ordinal);
    }
}
