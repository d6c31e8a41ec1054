using System.Text.Json;

namespace Rez.Tests.OpenApi;

public sealed class OpenApiTests(Shop shop)
{
    [Fact]
    public async Task Every_parameter_that_it_describes_is_known_to_the_endpoint()
    {
        foreach (var path in (await DocumentAsync()).GetProperty("paths").EnumerateObject())
        {
            if (!path.Value.TryGetProperty("get", out var get) || !path.Name.StartsWith("/api/", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.True(get.GetProperty("responses").TryGetProperty("503", out _));
            Assert.True(get.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty(path.Name.EndsWith("/events", StringComparison.Ordinal) ? "text/event-stream" : "application/json", out _));
            foreach (var parameter in Parameters(get).Where(parameter => parameter.GetProperty("in").GetString() == "query"))
            {
                // NUL is wrong for every parameter; "not known here" would mean that the document invents it.
                var name = parameter.GetProperty("name").GetString()!;
                using var response = await shop.Admin.GetAsync($"{path.Name.Replace("{id}", "1", StringComparison.Ordinal)}?{name}=%00");
                var body = await response.Content.ReadAsStringAsync();
                Assert.Contains($"\"{name}\":[", body, StringComparison.Ordinal);
                Assert.DoesNotContain("not known here", body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Answers_have_the_fields_that_it_describes()
    {
        var document = await DocumentAsync();
        var schema = document.GetProperty("paths").GetProperty("/api/products/{id}").GetProperty("get").GetProperty("responses").GetProperty("200")
            .GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties").GetProperty("data").GetProperty("properties");
        var product = JsonDocument.Parse(await shop.Http.GetStringAsync("/api/products/123456")).RootElement.GetProperty("data");
        Assert.Equal(schema.EnumerateObject().Select(field => field.Name).Order(), product.EnumerateObject().Select(field => field.Name).Order());
    }

    private static IEnumerable<JsonElement> Parameters(JsonElement operation) =>
        operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [];

    private async Task<JsonElement> DocumentAsync() => JsonDocument.Parse(await shop.Http.GetStringAsync("/openapi/v1.json")).RootElement;
}
