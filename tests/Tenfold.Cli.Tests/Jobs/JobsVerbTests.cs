using System.Diagnostics;
using System.Text.Json.Nodes;
using Npgsql;
using Tenfold.Jobs.Schema;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Tests.Jobs;

public sealed class JobsVerbTests : IDisposable
{
    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token; // for each wait anew
    private readonly TestShell _shell = new();

    public JobsVerbTests()
    {
        File.SetUnixFileMode(_shell.Folder, File.GetUnixFileMode(_shell.Folder) | UnixFileMode.OtherExecute); // PostgreSQL runs as a user of its own
        _shell.Write("systems/shop/server.js", """
            const server = require('http').createServer((request, response) => response.end('fine'));
            server.listen(process.env.PORT, '127.0.0.1');
            process.on('SIGTERM', () => process.exit(0));
            """);
        _shell.Write("systems/shop/tenfold.yaml", """
            system: shop
            services: { api: { command: [node, server.js] }, app: { command: [node, server.js] } }
            stores: { main: { engine: postgres } }
            gateway: { port: 0, routes: [{ path: /**, service: api }] }
            """);
    }

    public void Dispose()
    {
        using var down = Start("down", "shop");
        down.WaitForExit();
        _shell.Dispose();
    }

    [Theory]
    [InlineData("--limit 0: allowed are 1 to 1000", "jobs", "shop", "list", "--limit", "0")]
    [InlineData("--state filed: there is no such state; did you mean 'failed'?", "jobs", "shop", "list", "--state", "filed")]
    [InlineData("many", "jobs", "shop", "show", "many")]
    [InlineData("'tenfold jobs --help' shows the usage", "jobs", "shop", "retry")]
    public async Task Wrong_usage_is_told_before_the_system_is_asked(string says, params string[] arguments)
    {
        var (code, output, error) = await _shell.RunAsync(arguments);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_of_a_running_system_are_shown_and_changed()
    {
        Assert.Equal((1, "", "tenfold: shop is down; start it with: tenfold up shop\n"), await _shell.RunAsync("jobs", "shop"));
        using (var up = Start("up", "shop", "--detach"))
        {
            var said = await up.StandardError.ReadToEndAsync(Generous);
            await up.WaitForExitAsync(Generous);
            Assert.True(up.ExitCode == 0, said);
        }

        Assert.Equal((0, "no jobs yet\n", ""), await _shell.RunAsync("jobs", "shop"));
        Assert.Equal("[]", (await _shell.RunAsync("jobs", "shop", "--json")).Out.Trim());
        await FillAsync();

        var queues = (await _shell.RunAsync("jobs", "shop")).Out;
        Assert.Contains("QUEUE", queues, StringComparison.Ordinal);
        Assert.Contains("no worker works on it", queues, StringComparison.Ordinal);
        var mail = (await JsonAsync("jobs", "shop", "--json"))[0]!;
        Assert.Equal(("mail", 2, 1), ((string)mail["name"]!, (int)mail["deadLetters"]!, (int)mail["scheduled"]!));

        Assert.Contains("it broke", (await _shell.RunAsync("jobs", "shop", "list", "--state", "failed")).Out, StringComparison.Ordinal);
        Assert.Equal(3, (await JsonAsync("jobs", "shop", "list", "--queue", "mail", "--json")).AsArray().Count);
        var shown = (await _shell.RunAsync("jobs", "shop", "show", "1000")).Out;
        Assert.StartsWith("job 1000 of kind mail.sent in queue mail is failed\n", shown, StringComparison.Ordinal);
        Assert.Contains("\"to\": \"ann\"", shown, StringComparison.Ordinal);

        Assert.Equal("Ready", (string?)(await JsonAsync("jobs", "shop", "retry", "1000", "--json"))["state"]);
        Assert.Equal((0, "1 dead letter of mail waits again\n", ""), await _shell.RunAsync("jobs", "shop", "redrive", "mail"));
        Assert.StartsWith("job 3000 of kind mail.sent in queue mail is cancelled\n", (await _shell.RunAsync("jobs", "shop", "cancel", "3000")).Out, StringComparison.Ordinal);
        Assert.Equal((1, "", "tenfold: job 3000 has been cancelled already\n"), await _shell.RunAsync("jobs", "shop", "cancel", "3000"));
        Assert.Contains("paused since", (await _shell.RunAsync("jobs", "shop", "pause", "mail")).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("paused since", (await _shell.RunAsync("jobs", "shop", "resume", "mail")).Out, StringComparison.Ordinal);
        Assert.Equal((0, "no workers\n", ""), await _shell.RunAsync("jobs", "shop", "workers"));

        Assert.Equal((2, "", "tenfold: shop has no queue 'mial'; did you mean 'mail'? Queues: mail\n"), await _shell.RunAsync("jobs", "shop", "pause", "mial"));
        Assert.Equal((1, "", "tenfold: there is no job 999: it was never enqueued, or its history is not kept any more\n"), await _shell.RunAsync("jobs", "shop", "show", "999"));
        Assert.Equal((1, "", "tenfold: job 1000 is ready already\n"), await _shell.RunAsync("jobs", "shop", "retry", "1000"));
    }

    private async Task FillAsync()
    {
        using var client = new ControlClient(SystemState.At(Path.Combine(_shell.State, "shop"), "shop"), TimeProvider.System);
        await using var source = NpgsqlDataSource.Create((await client.DatabasesAsync(default))!.Single().AdminConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await JobSchema.EnsureAsync(connection, 0, default);
        await using var fill = new NpgsqlCommand(
            """
            INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome, errors)
            SELECT n, 'mail', 11, 'mail.sent', '{"to":"ann"}', now(), 3, 3, 0, 2, '[{"run":3,"worker":"api-1","error":"it broke","detail":"at Mail.Send()"}]' FROM unnest(ARRAY[1000, 2000]) AS n;
            INSERT INTO tenfold.jobs (id, queue, lane, kind, payload, run_at) VALUES (3000, 'mail', 11, 'mail.sent', '{}', now() + interval '1 h');
            """,
            connection);
        await fill.ExecuteNonQueryAsync();
    }

    private async Task<JsonNode> JsonAsync(params string[] arguments)
    {
        var (code, output, error) = await _shell.RunAsync(arguments);
        Assert.True(code == 0, error);
        return JsonNode.Parse(output)!;
    }

    private Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "tenfold.dll"), .. arguments])
    {
        WorkingDirectory = _shell.Folder,
        Environment = { ["TENFOLD_STATE"] = _shell.State },
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
