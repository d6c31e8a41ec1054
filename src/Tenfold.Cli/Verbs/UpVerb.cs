using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Hosting;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold up SYSTEM [--detach]</c>.</summary>
internal static class UpVerb
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1); // a host first ends what the last one left

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
            using var printer = EventPrinter.ForHost(shell, progress, state.LogFile("host"));
            return await ForegroundHost.RunAsync(shell, located, state, printer, live: false, cancel);
        }

        using var events = json ? EventPrinter.Json(shell) : EventPrinter.Plain(shell);
        if (detach)
        {
            return await DetachedAsync(shell, located, state, events, cancel);
        }

        return HostLock.Owner(state) is { } owner
            ? throw new UsageException($"{state.System} is up already (host process {owner.Pid}); see it with 'tenfold status {system} --watch', or stop it first with 'tenfold down {system}'")
            : await ForegroundHost.RunAsync(shell, located, state, events, live: shell.Interactive && !json, cancel);
    }

    private static async Task<int> DetachedAsync(Shell shell, LocatedGuide located, SystemState state, EventPrinter events, CancellationToken cancel)
    {
        while (!await IsUpAsync(shell, located, state, events, cancel))
        {
            try
            {
                return await DetachedHost.StartAsync(shell, located, state, events, cancel);
            }
            catch (RuntimeException) when (HostLock.Owner(state) is not null)
            {
                // Another command was quicker: the goal is the same.
            }
        }

        return ExitCode.Fine;
    }

    /// <summary>Whether another host runs it, once that has started; false when there is none, or it has stopped by then.</summary>
    private static async Task<bool> IsUpAsync(Shell shell, LocatedGuide located, SystemState state, EventPrinter events, CancellationToken cancel)
    {
        using var client = new ControlClient(state, shell.Time);
        var answered = shell.Time.GetTimestamp();
        while (HostLock.Owner(state) is { } owner)
        {
            var status = await client.StatusAsync(cancel);
            if (status is { State: "up" })
            {
                var changed = status.Since is { } since && File.GetLastWriteTimeUtc(located.File) > since.UtcDateTime
                    ? $"; its guide was changed since: 'tenfold down {state.System}' and up again to use it"
                    : "";
                await GrowAsync(client, located, status, events, cancel);
                events.Print(new HostEvent(HostEventKind.Ready, $"{state.System} is up already: {status.Gateway?.Url}{changed}"));
                return true;
            }

            answered = status is null ? answered : shell.Time.GetTimestamp();
            if (shell.Time.GetElapsedTime(answered) > Silence)
            {
                throw new RuntimeException(RuntimeFailure.Failed, $"{state.System} has a host (pid {owner.Pid}) that does not answer; end it with: tenfold down {state.System}");
            }

            await Task.Delay(Poll, shell.Time, cancel);
        }

        return false;
    }

    /// <summary>Databases are the one thing that a running system takes from a changed guide.</summary>
    private static async Task GrowAsync(ControlClient client, LocatedGuide located, SystemStatus status, EventPrinter events, CancellationToken cancel)
    {
        foreach (var (name, store) in located.Guide.Stores)
        {
            if (status.Stores.Where(server => server.Store == name).Select(server => server.Database).Distinct().Count() is > 0 and var running && running < store.Shards)
            {
                await foreach (var step in client.GrowAsync(name, store.Shards, cancel))
                {
                    events.Print(new HostEvent(HostEventKind.Note, step));
                }
            }
        }
    }
}
