using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Hosting;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold up SYSTEM [--detach]</c>.</summary>
internal static class UpVerb
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var detach = new Option<bool>("--detach", "-d") { Description = "Return once it is up, and leave it running" };
        var json = new Option<bool>("--json") { Description = "Print what happens as JSON objects, one a line" };
        var progress = new Option<string?>("--progress") { Hidden = true };
        var command = new Command("up", "Run a system here: its stores, its instances, its gateway") { system, detach, json, progress };
        command.SetAction((parsed, cancel) => RunAsync(
            shell, parsed.GetRequiredValue(system), parsed.GetValue(detach), parsed.GetValue(json), parsed.GetValue(progress), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, bool detach, bool json, string? progress, CancellationToken cancel)
    {
        var located = Systems.Read(shell, system);
        var state = SystemState.Of(located.Guide.System, shell.Environment);
        if (progress is not null)
        {
            using var printer = EventPrinter.ForHost(shell, progress);
            return await ForegroundHost.RunAsync(shell, located, state, printer, live: false, cancel);
        }

        if (HostLock.Owner(state) is { } owner)
        {
            return detach
                ? await WaitUpAsync(shell, located, state, cancel)
                : throw new UsageException($"{state.System} is up already (host process {owner.Pid}); see it with 'tenfold status {system} --watch', or stop it first with 'tenfold down {system}'");
        }

        using var events = json ? EventPrinter.Json(shell) : EventPrinter.Plain(shell);
        return detach
            ? await DetachedHost.StartAsync(shell, located, state, events, cancel)
            : await ForegroundHost.RunAsync(shell, located, state, events, live: shell.Interactive && !json, cancel);
    }

    /// <summary>Another host runs it or is starting it: the goal is the same.</summary>
    private static async Task<int> WaitUpAsync(Shell shell, LocatedGuide located, SystemState state, CancellationToken cancel)
    {
        using var client = new ControlClient(state, shell.Time);
        while (HostLock.Owner(state) is not null)
        {
            if (await client.StatusAsync(cancel) is { State: "up" } status)
            {
                var changed = status.Since is { } since && File.GetLastWriteTimeUtc(located.File) > since.UtcDateTime
                    ? $"; its guide was changed since: 'tenfold down {state.System}' and up again to use it"
                    : "";
                shell.Out.WriteLine($"{state.System} is up already: {status.Gateway?.Url}{changed}");
                return ExitCode.Fine;
            }

            await Task.Delay(Poll, shell.Time, cancel);
        }

        shell.Error.WriteLine($"tenfold: {state.System} was being started or stopped by another command, and is down now; try again");
        return ExitCode.Missed;
    }
}
