using System.Diagnostics;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.Logs;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Hosting;

/// <summary>Starts this program once more as the host of a system: in its own session, its output in <c>logs/host.log</c>.</summary>
internal static class DetachedHost
{
    private const int ReportedLines = 15;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(2);

    /// <summary>Relays the host's progress; returns 0 once the system is up, else the host's exit code.</summary>
    public static async Task<int> StartAsync(Shell shell, LocatedGuide located, SystemState state, EventPrinter events, CancellationToken cancel)
    {
        state.Create();
        foreach (var old in Directory.EnumerateFiles(state.Run, Progress("*")).Where(IsLeft))
        {
            File.Delete(old);
        }

        var progress = Path.Combine(state.Run, Progress($"{Environment.ProcessId}"));
        var log = state.LogFile("host");
        HostLog.Rotate(log);
        await File.WriteAllTextAsync(progress, "", cancel);
        try
        {
            using var host = Start(located.File, progress, log);
            using var control = new ControlClient(state, shell.Time);
            return await RelayAsync(shell, state, host, progress, control.StatusAsync, events, cancel);
        }
        finally
        {
            File.Delete(progress);
        }
    }

    private static string Progress(string pid) => $"progress-{pid}.json";

    // Of a command that was killed.
    private static bool IsLeft(string file) =>
        int.TryParse(Path.GetFileNameWithoutExtension(file).Split('-')[^1], out var pid) && ProcessIdentity.Of(pid) is null;

    /// <summary>Relays what the host writes; asks it too, because on a full disk its last line may never come.</summary>
    internal static async Task<int> RelayAsync(
        Shell shell, SystemState state, Process host, string progress, Func<CancellationToken, Task<SystemStatus?>> status, EventPrinter events, CancellationToken cancel)
    {
        using var lines = new FollowedFile(progress);
        var asked = shell.Time.GetTimestamp();
        var isUp = false;
        while (true)
        {
            var ended = host.HasExited; // asked before reading: its last words are not missed
            foreach (var line in lines.ReadNew())
            {
                var one = JsonSerializer.Deserialize(line, CliLineJson.Default.HostEvent)!;
                if (one.Kind == HostEventKind.Failed)
                {
                    await host.WaitForExitAsync(CancellationToken.None);
                    if (HostLock.Owner(state) is null) // else another host was quicker, and the caller waits for that one
                    {
                        events.Print(one);
                    }

                    throw new RuntimeException(one.Failure ?? RuntimeFailure.Failed, one.Text);
                }

                events.Print(one);
                if (one.Kind == HostEventKind.Ready)
                {
                    return ExitCode.Fine;
                }
            }

            if (ended)
            {
                var last = LogReader.Last(state.Logs, "host", ReportedLines).Select(line => "\n    " + line.Line.Text);
                shell.Error.WriteLine($"tenfold: the host of {state.System} ended with exit code {host.ExitCode} before the system was up; its last lines ({state.LogFile("host")}):{string.Concat(last)}");
                return host.ExitCode == 0 ? ExitCode.Missed : host.ExitCode;
            }

            if (isUp)
            {
                // It said so before the lines above were read, and none of them was its last one.
                events.Print(new HostEvent(HostEventKind.Ready, $"{state.System} is up"));
                return ExitCode.Fine;
            }

            try
            {
                if (shell.Time.GetElapsedTime(asked) > AskEvery)
                {
                    isUp = await status(cancel) is { State: "up" } up && up.Pid == host.Id;
                    asked = shell.Time.GetTimestamp();
                }

                await Task.Delay(Poll, shell.Time, cancel);
            }
            catch (OperationCanceledException)
            {
                shell.Error.WriteLine("tenfold: stopping what was started");
                var started = ProcessIdentity.Of(host.Id);
                started?.Signal(Signal.Terminate);
                await using (shell.Hurry.UnsafeRegister(_ => started?.Signal(Signal.Terminate), null))
                {
                    await host.WaitForExitAsync(CancellationToken.None);
                }

                throw;
            }
        }
    }

    private static Process Start(string guide, string progress, string log)
    {
        // A shell for the redirection; setsid so that neither Ctrl-C nor the end of the terminal reaches it.
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "log=$1; shift; exec setsid \"$@\" </dev/null >>\"$log\" 2>&1", "tenfold", log },
        };
        string[] command = Environment.ProcessPath is { } program && Path.GetFileName(program) == "dotnet"
            ? [program, "exec", Path.Combine(AppContext.BaseDirectory, "tenfold.dll")]
            : [Path.Combine(AppContext.BaseDirectory, "tenfold")];
        foreach (var argument in (string[])[.. command, "up", guide, "--progress", progress])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
