using System.Net;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>What a newcomer does first.</summary>
[Collection(nameof(RezFixture))]
public sealed class UpTests(RezFixture fixture)
{
    private readonly RunningSystem _rez = fixture.Rez;

    [Fact]
    public async Task The_first_product_is_served_through_the_gateway()
    {
        using var response = await _rez.Client.GetAsync("/api/products/123456");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.True(body["success"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Status_shows_two_ready_instances_and_both_stores()
    {
        var status = await _rez.StatusAsync();

        Assert.Equal("up", status["state"]!.GetValue<string>());
        Assert.Equal(2, (await _rez.ReadyAsync("api")).Count);
        Assert.All(status["stores"]!.AsArray(), store => Assert.True(store!["ready"]!.GetValue<bool>()));
        Assert.Equal(2, status["stores"]!.AsArray().Count);
    }

    [Fact]
    public async Task Both_instances_answer()
    {
        for (var i = 0; i < 50; i++)
        {
            using var response = await _rez.Client.GetAsync("/api/products/123456");
            response.EnsureSuccessStatusCode();
        }

        var busy = await Wait.ForAsync("requests on both instances", async () =>
        {
            using var response = await _rez.Client.GetAsync("/api/products/123456");
            var status = await _rez.StatusAsync();
            var rates = status["services"]![0]!["instances"]!.AsArray().Select(i => i!["requestsPerSecond"]?.GetValue<double>() ?? 0).ToList();
            return rates.Count == 2 && rates.All(r => r > 0) ? rates : null;
        });

        Assert.Equal(2, busy.Count);
    }

    [Fact]
    public async Task Stores_do_not_run_as_root()
    {
        var status = await _rez.StatusAsync();

        foreach (var store in status["stores"]!.AsArray())
        {
            var lines = await File.ReadAllLinesAsync($"/proc/{store!["pid"]!.GetValue<int>()}/status");
            Assert.DoesNotContain(lines, l => l.StartsWith("Uid:\t0\t", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Up_on_a_running_system_says_so_and_leaves_it_alone()
    {
        var before = await _rez.ReadyAsync("api");

        var again = await _rez.Tenfold.SucceedAsync("up", "rez", "--detach");

        Assert.Contains("already", again.Output + again.Errors, StringComparison.Ordinal);
        Assert.Equal(before, await _rez.ReadyAsync("api"));
    }

    [Fact]
    public async Task Logs_show_what_an_instance_wrote()
    {
        var logs = await _rez.Tenfold.SucceedAsync("logs", "rez", "api");

        Assert.NotEqual("", logs.Output.Trim());
    }

    [Theory]
    [InlineData("/api/products?page=-1", 400)]
    [InlineData("/api/products?limit=1000000000", 400)]
    [InlineData("/api/products?sort=nonsense", 400)]
    [InlineData("/api/products/abc", 400, 404)]
    [InlineData("/api/products/999999999", 404)]
    [InlineData("/nowhere", 404)]
    public async Task Wrong_requests_get_a_problem_document(string path, params int[] statuses)
    {
        using var response = await _rez.Client.GetAsync(path);

        Assert.Contains((int)response.StatusCode, statuses);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_search_text_of_100_KB_is_refused_with_a_4xx()
    {
        using var response = await _rez.Client.GetAsync("/api/products/search?q=" + new string('x', 100_000));

        Assert.InRange((int)response.StatusCode, 400, 499);
    }
}
