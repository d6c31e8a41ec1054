using System.Net;
using System.Text.Json;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>The guide's rate limits, at the gateway and in the app, while their Redis is there and when it is killed.</summary>
public sealed class RateLimitTests
{
    private static string Guide => Path.Combine(Repository.Root, "tests", "Tenfold.EndToEnd.Tests", "Limits", "tenfold.yaml");

    [Fact]
    public async Task Gateway_and_app_refuse_who_is_over_and_killing_Redis_neither_opens_the_gate_nor_fails_requests()
    {
        var tenfold = new TenfoldCommand { ["REZ"] = Path.Combine(AppContext.BaseDirectory, "rez.dll") };
        await using var system = new RunningSystem(tenfold, Guide);
        await system.UpAsync();

        await UsesUpAsync(system, "/", "edge", 5, "ann");
        await UsesUpAsync(system, "/openapi/v1.json", "inner", 3, "ann");

        var counts = (await system.StatusAsync())["stores"]!.AsArray().Single()!;
        await Signals.SendAsync("KILL", counts["pid"]!.GetValue<int>());

        // Who is over stays so, and a new one gets what the limit says, whether Redis is back by now, empty, or not.
        await RefusesAsync(system, "/", "edge", "ann");
        await RefusesAsync(system, "/openapi/v1.json", "inner", "ann");
        await UsesUpAsync(system, "/", "edge", 5, "bob");
        await UsesUpAsync(system, "/openapi/v1.json", "inner", 3, "bob");
    }

    private static async Task UsesUpAsync(RunningSystem system, string path, string limit, int requests, string who)
    {
        for (var left = requests - 1; left >= 0; left--)
        {
            using var response = await GetAsync(system, path, who);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal($"\"{limit}\";q={requests};w=3600", Header(response, "RateLimit-Policy"));
            // How many are left is for Redis to say, which may just have come back and not have been told.
            Assert.StartsWith($"\"{limit}\";r=", Header(response, "RateLimit"), StringComparison.Ordinal);
        }

        await RefusesAsync(system, path, limit, who);
    }

    private static async Task RefusesAsync(RunningSystem system, string path, string limit, string who)
    {
        using var response = await GetAsync(system, path, who);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.StartsWith($"\"{limit}\";r=0;t={Header(response, "Retry-After")}", Header(response, "RateLimit"), StringComparison.Ordinal);
        Assert.InRange(int.Parse(Header(response, "Retry-After")), 1, 3600);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal([limit], problem.RootElement.GetProperty("violated-policies").EnumerateArray().Select(name => name.GetString()));
    }

    private static async Task<HttpResponseMessage> GetAsync(RunningSystem system, string path, string who)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-Who", who } } };
        return await system.Client.SendAsync(request);
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));
}
