using System.Diagnostics;
using System.Text.Json.Nodes;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Cli.Tests.Verbs;

/// <summary>The command as its own process: up in both ways, signals, a killed host, down.</summary>
public sealed class LifecycleTests : IDisposable
{
    private const string Server = """
        const server = require('http').createServer((request, response) => response.end('fine'));
        server.listen(process.env.PORT, '127.0.0.1', () => console.log('listening'));
        process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
        """;

    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token; // for each wait anew
    private readonly TestShell _shell = new();

    public LifecycleTests() => _shell.Write("systems/shop/server.js", Server);

    public void Dispose()
    {
        RunAsync("down", "shop").GetAwaiter().GetResult();
        _shell.Dispose();
    }

    [Fact]
    public async Task Detached_it_returns_once_it_is_up_and_down_leaves_nothing()
    {
        var up = await RunAsync("up", "shop", "--detach");
        Assert.True(up.Code == 0, up.ToString());
        Assert.Contains("shop is up", up.Out, StringComparison.Ordinal);
        var status = await StatusAsync();
        Assert.Equal("up", status["state"]!.GetValue<string>());
        Assert.True(status["services"]![0]!["instances"]![0]!["ready"]!.GetValue<bool>());

        var again = await RunAsync("up", "shop", "--detach");
        Assert.Equal(0, again.Code);
        Assert.Contains("is up already", again.Out, StringComparison.Ordinal);
        var line = JsonNode.Parse((await RunAsync("up", "shop", "--detach", "--json")).Out)!;
        Assert.Equal("Ready", line["kind"]!.GetValue<string>());
        var foreground = await RunAsync("up", "shop");
        Assert.Equal(2, foreground.Code);
        Assert.Contains("'tenfold down shop'", foreground.Error, StringComparison.Ordinal);

        var scaled = await RunAsync("scale", "shop", "api", "2");
        Assert.Contains("api-2 is ready", scaled.Out, StringComparison.Ordinal);
        var tooMany = await RunAsync("scale", "shop", "api", "9");
        Assert.Equal(2, tooMany.Code);
        Assert.Contains("min 1, max 3", tooMany.Error, StringComparison.Ordinal);
        var nobody = await RunAsync("decisions", "shop", "--service", "nope");
        Assert.Equal((2, "tenfold: shop has no service or store 'nope'; it has: api\n"), (nobody.Code, nobody.Error));
        var run = await RunAsync("run", "shop", "api", "--", "node", "-e", "console.log(process.env.TENFOLD_SERVICE, process.argv[1]); process.exit(7)", "x y");
        Assert.Equal((7, "api x y\n"), (run.Code, run.Out));
        var noService = await RunAsync("run", "shop", "nope", "true");
        Assert.Equal(2, noService.Code);
        Assert.Contains("shop has no service or instance 'nope'", noService.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("run", "shop", "api", "no-such-program")).Code);
        Assert.Contains("listening", (await RunAsync("logs", "shop", "api")).Out, StringComparison.Ordinal);

        var down = await RunAsync("down", "shop");
        Assert.Equal((0, "shop is down\n"), (down.Code, down.Out));
        Assert.Empty(Left());
    }

    [Fact]
    public async Task Of_several_at_once_one_starts_it_and_all_return_once_it_is_up()
    {
        var ups = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunAsync("up", "shop", "--detach")));
        Assert.All(ups, up => Assert.True(up.Code == 0, up.ToString()));
        Assert.Equal("up", (await StatusAsync())["state"]!.GetValue<string>());
    }

    [Fact]
    public async Task After_a_host_was_killed_the_next_command_ends_what_it_left_and_says_so()
    {
        await RunAsync("up", "shop", "--detach");
        Assert.True(ProcessIdentity.Of((await StatusAsync())["pid"]!.GetValue<int>())!.Signal(Signal.Kill));
        var status = await RunAsync("status", "shop");
        Assert.Equal(0, status.Code);
        Assert.Contains("the host of shop was killed; ended what it left: api-1", status.Error, StringComparison.Ordinal);
        Assert.StartsWith("shop is down", status.Out, StringComparison.Ordinal);
        Assert.Empty(Left());
    }

    [Fact]
    public async Task In_the_foreground_a_signal_stops_everything()
    {
        using var up = Start("up", "shop");
        var said = new List<string>();
        while (await up.StandardOutput.ReadLineAsync(Generous) is { } line)
        {
            said.Add(line);
            if (line.StartsWith("shop is up", StringComparison.Ordinal))
            {
                Assert.True(ProcessIdentity.Of(up.Id)!.Signal(Signal.Interrupt));
            }
        }

        await up.WaitForExitAsync(Generous);
        Assert.True(up.ExitCode == 0, string.Join('\n', said));
        Assert.Empty(Left());
    }

    [Theory]
    [InlineData("hello", "logs", "shop", "--follow")]
    [InlineData("shop is down", "status", "shop", "--watch")]
    public async Task What_goes_on_until_it_is_ended_ends_when_nobody_reads_it_any_more(string begins, params string[] arguments)
    {
        _shell.Write("state/shop/logs/api-1.log", "2026-01-01T00:00:00.000Z out hello\n");
        using var command = Start(arguments);
        Assert.Contains(begins, await command.StandardOutput.ReadLineAsync(Generous), StringComparison.Ordinal);
        command.StandardOutput.Close(); // as head does
        await command.WaitForExitAsync(Generous);
        Assert.Equal(0, command.ExitCode);
    }

    [Fact]
    public async Task Decisions_are_followed_also_into_a_system_that_was_deleted_and_begins_anew()
    {
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        await DecideAsync(state, "before", "later");
        using var command = Start("decisions", "shop", "--follow");
        await SaidAsync(command, "before");
        await SaidAsync(command, "later");
        File.Delete(Path.Combine(state.Logs, "decisions.jsonl"));
        await DecideAsync(state, "anew");
        await SaidAsync(command, "anew");
        await DecideAsync(state, "and on");
        await SaidAsync(command, "and on");
        command.StandardOutput.Close();
        await command.WaitForExitAsync(Generous);
    }

    [Fact]
    public async Task A_service_that_crashes_fails_the_start_with_its_last_lines()
    {
        _shell.Write("systems/shop/server.js", "console.log('no config'); process.exit(3)");
        var up = await RunAsync("up", "shop", "--detach");
        Assert.Equal(1, up.Code);
        Assert.Contains("crash loop", up.Error, StringComparison.Ordinal);
        Assert.Contains("no config", up.Error, StringComparison.Ordinal);
        Assert.Empty(Left());
    }

    private static async Task DecideAsync(SystemState state, params string[] reasons)
    {
        state.Create();
        await using var log = new DecisionLog(state);
        foreach (var reason in reasons)
        {
            log.Add("api", new Decision(DateTimeOffset.UnixEpoch, 1, 2, 2, ScalingLimit.None, reason));
        }
    }

    private static async Task SaidAsync(Process command, string reason) =>
        Assert.EndsWith(" " + reason, await command.StandardOutput.ReadLineAsync(Generous), StringComparison.Ordinal);

    private async Task<JsonNode> StatusAsync() => JsonNode.Parse((await RunAsync("status", "shop", "--json")).Out)!;

    /// <summary>Every process that carries this test's state folder in its environment.</summary>
    private List<string> Left() =>
    [
        .. ProcessTable.All().Where(row => row.IsRunning && EnvironmentOf(row.Pid).Contains($"{ChildProcess.StateVariable}={_shell.State}", StringComparison.Ordinal)).Select(row => row.Name),
    ];

    private static string EnvironmentOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private async Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(Generous);
        var error = process.StandardError.ReadToEndAsync(Generous);
        await process.WaitForExitAsync(Generous);
        return (process.ExitCode, await output, await error);
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
