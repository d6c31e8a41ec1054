using System.CommandLine;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold status SYSTEM</c>; a system that is down is an answer, not an error.</summary>
internal static class StatusVerb
{
    private const string NotAnswering = "not-answering";

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var json = Systems.JsonOption();
        var watch = new Option<bool>("--watch", "-w") { Description = "Go on showing it until Ctrl-C" };
        var command = new Command("status", "Show how a system is") { system, json, watch };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(json), parsed.GetValue(watch), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, bool json, bool watch, CancellationToken cancel)
    {
        var state = Systems.State(shell, system);
        using var client = new ControlClient(state, shell.Time);
        await using var reader = new ReaderGone(shell.Time, cancel);
        do
        {
            var status = await client.StatusAsync(cancel) ?? await WithoutAnswerAsync(shell, state, cancel);
            if (watch && shell.Interactive && !json && status.Gateway is not null)
            {
                await LiveTable.ShowAsync(client.StatusAsync, "Ctrl-C ends this view, not the system", shell.Time, cancel);
                cancel.ThrowIfCancellationRequested();
                continue;
            }

            Write(shell, system, status, json);
            if (watch)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), shell.Time, reader.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancel.ThrowIfCancellationRequested();
            }
        }
        while (watch && !reader.Token.IsCancellationRequested);
        return ExitCode.Fine;
    }

    /// <summary>Prints a status as text or JSON; hints name the system as the user did.</summary>
    public static void Write(Shell shell, string system, SystemStatus status, bool json)
    {
        if (json)
        {
            shell.Out.WriteLine(JsonSerializer.Serialize(status, CliJson.Default.SystemStatus));
        }
        else if (status.State == "down")
        {
            shell.Out.WriteLine($"{status.System} is down; start it with: tenfold up {system}");
        }
        else if (status.State == NotAnswering)
        {
            shell.Out.WriteLine($"{status.System} has a host (pid {status.Pid}) that does not answer: it just begins, hangs, or is another user's; 'tenfold logs {system} host' shows what it said");
        }
        else
        {
            StatusRows.Write(status, shell.Time.GetUtcNow(), shell.Out);
        }
    }

    private static async Task<SystemStatus> WithoutAnswerAsync(Shell shell, SystemState state, CancellationToken cancel)
    {
        var owner = HostLock.Owner(state);
        using var mine = owner is null ? await Leftovers.LockAsync(shell, state, cancel) : null;
        if (mine is not null)
        {
            await Leftovers.EndAsync(shell, state, cancel);
        }

        return new SystemStatus { System = state.System, State = owner is null ? "down" : NotAnswering, Pid = owner?.Pid, StateFolder = state.Folder };
    }
}
