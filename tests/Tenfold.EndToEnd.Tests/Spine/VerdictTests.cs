using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>The verdict of a load test is its exit code.</summary>
[Collection(nameof(RezFixture))]
public sealed class VerdictTests(RezFixture fixture)
{
    private readonly RunningSystem _rez = fixture.Rez;

    [Fact]
    public async Task The_api_test_meets_every_budget()
    {
        var report = Path.Combine(_rez.Tenfold.StateFolder, "api-test.json");

        var result = await _rez.Tenfold.RunAsync(["load", "rez", "api-test", "--for", "60s", "--json", report]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("GET /api/products/{id}", result.Output, StringComparison.Ordinal);
        var json = JsonNode.Parse(await File.ReadAllTextAsync(report))!;
        Assert.All(json["budgets"]!.AsArray().Concat(json["thresholds"]!.AsArray()), j => Assert.NotEqual("missed", j!["outcome"]!.GetValue<string>()));
        Assert.True(json["total"]!["count"]!.GetValue<long>() > 10_000, report.ToString());
    }

    [Fact]
    public async Task A_budget_of_one_millisecond_is_missed_and_the_exit_code_is_1()
    {
        // The guide's file with one budget tightened; the system that runs is the same.
        var folder = Path.Combine(Repository.Root, "systems", "rez");
        var tight = Path.Combine(folder, $"tight-{Guid.NewGuid():N}.yaml");
        var text = await File.ReadAllTextAsync(Path.Combine(folder, "tenfold.yaml"));
        var tightened = text.Replace("{ route: GET /api/products, average: 200ms, p95: 400ms, p99: 800ms, timeout: 5s }", "{ route: GET /api/products, p95: 1ms }", StringComparison.Ordinal);
        Assert.NotEqual(text, tightened);
        await File.WriteAllTextAsync(tight, tightened);
        try
        {
            var result = await _rez.Tenfold.RunAsync(["load", tight, "api-test", "--for", "6s", "--target", _rez.Address.ToString()]);

            Assert.True(result.ExitCode == 1, result.ToString());
            Assert.Contains("missed", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(tight);
        }
    }
}
