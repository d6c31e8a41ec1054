using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Tests.Loading;

public sealed class LoadCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tenfold-load-").FullName;
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_test_whose_limits_hold_ends_with_0_and_a_table()
    {
        await using var server = await StartAsync();
        Assert.Equal(ExitCode.Fine, await RunAsync("load", _folder, "quick", "--target", server.Urls.First(), "--json", Path.Combine(_folder, "result.json")));
        Assert.Contains("\nGET /ok", _out.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("verdict: 2 of 2 limits met\n", _out.ToString(), StringComparison.Ordinal);
        var json = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "result.json")))!;
        Assert.Equal(("shop quick", 0), ((string)json["name"]!, (int)json["exitCode"]!));
    }

    [Fact]
    public async Task A_missed_limit_ends_with_1_and_JSON_can_go_to_stdout()
    {
        await using var server = await StartAsync();
        Assert.Equal(ExitCode.Missed, await RunAsync("load", _folder, "failing", "--target", server.Urls.First(), "--for", "200ms", "--json", "-"));
        Assert.Equal("missed", (string)JsonNode.Parse(_out.ToString())!["outcome"]!);
    }

    [Fact]
    public async Task The_running_system_is_driven_unless_a_target_is_given()
    {
        Assert.Equal(ExitCode.Machine, await RunAsync("load", _folder, "quick"));
        Assert.StartsWith("tenfold: nothing listens at http://localhost:1 (", _error.ToString(), StringComparison.Ordinal);
        Assert.EndsWith($"; start it with: tenfold up {_folder}\n", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_where_nothing_listens_is_named()
    {
        Assert.Equal(ExitCode.Machine, await RunAsync("load", _folder, "quick", "--target", "http://127.0.0.1:1"));
        Assert.Matches(@"^tenfold: nothing listens at http://127\.0\.0\.1:1 \(.+\)\n$", _error.ToString());
    }

    [Fact]
    public async Task A_run_that_cannot_start_leaves_no_report_and_keeps_an_older_one()
    {
        var file = Path.Combine(_folder, "result.json");
        Assert.Equal(ExitCode.Machine, await RunAsync("load", _folder, "quick", "--target", "http://127.0.0.1:1", "--json", file));
        Assert.False(File.Exists(file));

        await File.WriteAllTextAsync(file, "of yesterday");
        Assert.Equal(ExitCode.Machine, await RunAsync("load", _folder, "quick", "--target", "http://127.0.0.1:1", "--json", file));
        Assert.Equal("of yesterday", await File.ReadAllTextAsync(file));
    }

    [Theory]
    [InlineData("shop has no load test 'nope'; it has quick, failing", "nope")]
    [InlineData("which load test of shop? It has quick, failing: tenfold load shop quick")]
    [InlineData("--for 0s must be longer than nothing, such as 60s", "quick", "--for", "0s")]
    [InlineData("--for: '10' has no unit; add one: 10ms, 10s, 10m, 10h or 10d", "quick", "--for", "10")]
    [InlineData("--target 'localhost' must be an address such as http://localhost:8080", "quick", "--target", "localhost")]
    [InlineData("--threads 0 must be between 1 and 64", "quick", "--threads", "0")]
    public async Task Wrong_usage_ends_with_2_and_says_what_to_write(string message, params string[] arguments)
    {
        Assert.Equal(ExitCode.Usage, await RunAsync(["load", _folder, .. arguments]));
        Assert.Equal($"tenfold: {message}\n", _error.ToString());
    }

    private async Task<int> RunAsync(params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "tenfold.yaml"), """
            system: shop
            services: { api: { command: [./api] } }
            gateway: { port: 1, routes: [{ path: /**, service: api }] }
            budgets: [{ route: GET /ok, average: 30s }]
            load:
              quick:
                stages: [{ for: 0s, users: 2 }, { for: 300ms, users: 2 }]
                scenario: [{ get: /ok, expect: 200 }]
                thresholds: { errors: 0% }
              failing:
                stages: [{ for: 0s, users: 2 }, { for: 1h, users: 2 }]
                scenario: [{ get: /missing }]
                thresholds: { errors: 0% }
            """);
        var shell = new Shell { Out = _out, Error = _error, Interactive = false, Folder = Environment.CurrentDirectory, Repository = null, Environment = name => name == "TENFOLD_STATE" ? _folder : null };
        return await CommandEdge.RunAsync(arguments, shell, CancellationToken.None);
    }

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.MapGet("/ok", () => "ok");
        await app.StartAsync();
        return app;
    }
}
