using System.Net;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>A service in another language, from its start to nothing being left.</summary>
public sealed class AnyCommandTests
{
    private static string Guide => Path.Combine(Repository.Root, "tests", "Tenfold.EndToEnd.Tests", "Node", "tenfold.yaml");

    [Fact]
    public async Task A_Node_service_runs_is_driven_survives_its_own_death_and_leaves_no_process()
    {
        var tenfold = new TenfoldCommand();
        await using var system = new RunningSystem(tenfold, Guide);
        await system.UpAsync();

        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 10; i++)
        {
            names.Add(await system.Client.GetStringAsync("/"));
        }

        Assert.Equal(["web-1", "web-2"], names.Order(StringComparer.Ordinal));

        var verdict = await tenfold.MeasureAsync("load", Guide, "steady");
        Assert.True(verdict.ExitCode == 0, verdict.ToString());

        // It ends itself in the middle of a request that may not be sent twice.
        var before = await system.ReadyAsync("web");
        using var died = await system.Client.PostAsync("/die", null);
        Assert.Equal(HttpStatusCode.BadGateway, died.StatusCode);
        var gone = await Wait.ForAsync("the dead instance to be replaced", async () =>
        {
            var ready = await system.ReadyAsync("web");
            var replaced = before.Values.Except(ready.Values).ToArray();
            return ready.Count == 2 && replaced.Length == 1 ? replaced : null;
        });
        Assert.Single(gone);

        // In flight when it is asked to go: answered, then gone.
        var slow = system.Client.GetStringAsync("/slow");
        await tenfold.SucceedAsync("restart", Guide, "web");
        Assert.StartsWith("web-", await slow, StringComparison.Ordinal);

        await tenfold.SucceedAsync("down", Guide);
        Assert.Empty(tenfold.ProcessesLeft());
    }

    [Fact]
    public async Task A_killed_host_leaves_nothing_once_the_next_command_has_run()
    {
        var tenfold = new TenfoldCommand();
        await using var system = new RunningSystem(tenfold, Guide);
        await system.UpAsync();
        var status = await system.StatusAsync();
        Assert.NotEmpty(tenfold.ProcessesLeft());

        await Signals.SendAsync("KILL", status["pid"]!.GetValue<int>());
        await tenfold.RunAsync(["status", Guide]);

        await Wait.ForAsync("everything to end", () => Task.FromResult(tenfold.ProcessesLeft().Count == 0), TimeSpan.FromSeconds(15));
        await system.UpAsync();
        Assert.Equal(2, (await system.ReadyAsync("web")).Count);
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_exit_code_3_and_nothing_is_left()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var tenfold = new TenfoldCommand();
        var guide = Path.Combine(tenfold.StateFolder, "tenfold.yaml");
        await File.WriteAllTextAsync(guide, (await File.ReadAllTextAsync(Guide)).Replace("port: 0", $"port: {port}", StringComparison.Ordinal));
        File.Copy(Path.Combine(Path.GetDirectoryName(Guide)!, "server.js"), Path.Combine(tenfold.StateFolder, "server.js"));

        var result = await tenfold.RunAsync(["up", guide, "--detach"]);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains($"{port}", result.Errors, StringComparison.Ordinal);
        Assert.Empty(tenfold.ProcessesLeft());
    }

    [Fact]
    public async Task A_guide_with_errors_is_refused_with_each_of_them_and_exit_code_2()
    {
        using var tenfold = new TenfoldCommand();
        var guide = Path.Combine(tenfold.StateFolder, "tenfold.yaml");
        await File.WriteAllTextAsync(guide, """
            system: wrong
            services:
              web: { command: [node, server.js], scale: { min: 3, max: 2 } }
            gateway:
              prot: 8080
              routes: [{ path: /**, service: wbe }]
            prices: []
            """);

        var result = await tenfold.RunAsync(["check", guide]);

        Assert.Equal(2, result.ExitCode);
        var printed = result.Output + result.Errors;
        Assert.Contains($"{guide}:3:", printed, StringComparison.Ordinal);
        Assert.Contains("did you mean 'port'?", printed, StringComparison.Ordinal);
        Assert.Contains("did you mean 'web'?", printed, StringComparison.Ordinal);
        Assert.Contains("not supported yet", printed, StringComparison.Ordinal);
    }
}
