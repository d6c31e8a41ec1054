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

        var result = await _rez.Tenfold.MeasureAsync("load", "rez", "api-test", "--for", "15s", "--json", report);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("GET /api/products/{id}", result.Output, StringComparison.Ordinal);
        var json = JsonNode.Parse(await File.ReadAllTextAsync(report))!;
        Assert.All(json["budgets"]!.AsArray().Concat(json["thresholds"]!.AsArray()), j => Assert.NotEqual("missed", j!["outcome"]!.GetValue<string>()));
        Assert.True(json["total"]!["count"]!.GetValue<long>() > 2_000, report.ToString());
    }

    [Fact]
    public async Task A_budget_of_one_microsecond_is_missed_and_the_exit_code_is_1()
    {
        // The guide with one budget tightened; the system that runs is the same.
        var folder = Path.Combine(Repository.Root, "systems", "rez");
        var guide = Path.Combine(_rez.Tenfold.StateFolder, "tight.yaml");
        var text = await File.ReadAllTextAsync(Path.Combine(folder, "tenfold.yaml"));
        foreach (var (from, to) in new[]
        {
            ("{ route: GET /api/products, average: 200ms, p95: 400ms, p99: 800ms, timeout: 5s }", "{ route: GET /api/products, p95: 1us }"),
            ("project: ../payment-simulator", $"project: {folder}/../payment-simulator"),
            ("project: .\n", $"project: {folder}\n"),
            ("schema: schema", $"schema: {folder}/schema"),
        })
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            text = text.Replace(from, to, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(guide, text);

        var result = await _rez.Tenfold.MeasureAsync("load", guide, "api-test", "--for", "6s", "--target", _rez.Address.ToString());

        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains("MISSED  GET /api/products ", result.Output, StringComparison.Ordinal);
    }
}
