using System.CommandLine;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold down SYSTEM [--delete]</c>: leaves no process, and with <c>--delete</c> no data.</summary>
internal static class DownVerb
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3); // without an answer

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var json = Systems.JsonOption();
        var delete = new Option<bool>("--delete") { Description = "Delete its state folder too: data of its stores, logs, builds" };
        var command = new Command("down", "Stop a system: instances drained, then its stores") { system, delete, json };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(delete), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, bool delete, bool json, CancellationToken cancel)
    {
        var state = Systems.State(shell, system);
        var owner = HostLock.Owner(state);
        if (owner is not null)
        {
            await StopAsync(shell, state, owner, cancel);
        }

        using var mine = await Leftovers.LockAsync(shell, state, cancel); // until what is to be deleted is deleted
        if (mine is null && state.IsThere)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"{state.System} is being started or cleaned up by another command at this moment; try again");
        }

        var orphans = mine is null ? [] : await Leftovers.EndAsync(shell, state, cancel);
        if (!json)
        {
            shell.Out.WriteLine(owner is null && orphans.Count == 0 ? $"{state.System} was not up" : $"{state.System} is down");
        }

        long? deleted = null;
        if (delete && state.IsThere)
        {
            deleted = Size(state.Folder);
            var whole = state.Delete();
            if (!json)
            {
                shell.Out.WriteLine($"deleted {state.Folder} ({Units.Bytes(deleted)}: data of its stores, logs, builds){(whole ? "" : "; what else is in it was left there")}");
            }
        }

        if (json)
        {
            var report = new DownReport(
                state.System, "down", owner is not null, [.. orphans.Select(one => new OrphanReport(one.Name, one.Pid))], deleted is null ? null : state.Folder, deleted);
            shell.Out.WriteLine(JsonSerializer.Serialize(report, CliJson.Default.DownReport));
        }

        return ExitCode.Fine;
    }

    private static async Task StopAsync(Shell shell, SystemState state, ProcessIdentity owner, CancellationToken cancel)
    {
        using var client = new ControlClient(state, shell.Time);
        if (!await client.StopAsync(cancel))
        {
            Signalled(state, owner, Signal.Terminate); // it starts or stops just now, or hangs
        }

        var answered = shell.Time.GetTimestamp();
        var killed = false;
        while (owner.IsAlive)
        {
            if (shell.Time.GetElapsedTime(answered) > Limit)
            {
                if (!killed && await client.StatusAsync(cancel) is { State: "stopping" })
                {
                    shell.Error.WriteLine($"tenfold: {state.System} is still stopping: requests in flight have as long as its guide says (drain)");
                }
                else if (!killed)
                {
                    shell.Error.WriteLine($"tenfold: the host of {state.System} (pid {owner.Pid}) did not stop within {Units.Duration(Limit)}; it is killed");
                    Signalled(state, owner, Signal.Kill);
                    killed = true;
                }
                else
                {
                    throw new RuntimeException(RuntimeFailure.Machine, $"the host of {state.System} (pid {owner.Pid}) was killed but does not end: it hangs in the kernel; restart the machine");
                }

                answered = shell.Time.GetTimestamp();
            }

            await Task.Delay(Poll, shell.Time, cancel);
        }
    }

    private static void Signalled(SystemState state, ProcessIdentity owner, Signal signal)
    {
        if (!owner.Signal(signal) && owner.IsAlive)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"the host of {state.System} (pid {owner.Pid}) cannot be ended: it belongs to another user; run this as that user");
        }
    }

    private static long Size(string folder)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return new DirectoryInfo(folder).EnumerateFiles("*", options).Sum(file => file.Length);
    }
}
