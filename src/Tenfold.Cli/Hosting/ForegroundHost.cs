using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Gateway.Listening;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Hosting;

/// <summary>Runs a system in this process until it is asked to stop: by a signal, or by <c>tenfold down</c>.</summary>
internal static class ForegroundHost
{
    /// <summary>Returns when everything is stopped. A second signal does not wait for what is in flight.</summary>
    public static async Task<int> RunAsync(Shell shell, LocatedGuide located, SystemState state, EventPrinter events, bool live, CancellationToken stop)
    {
        SocketCompletions.RunInline(); // before the first socket: this process proxies above all
        var quiet = false;
        await using var host = new SystemHost(new HostOptions
        {
            Guide = located.Guide,
            GuideFile = located.File,
            State = state,
            Report = one =>
            {
                if (!quiet)
                {
                    events.Print(one);
                }
            },
            Time = shell.Time,
        });
        try
        {
            await host.StartAsync(stop);
        }
        catch (Exception e) when (CommandEdge.CodeOf(e) is not null)
        {
            events.Print(new HostEvent(HostEventKind.Failed, e.Message, Failure: e is RuntimeException { Failure: var failure } ? failure : RuntimeFailure.Machine));
            throw;
        }
        catch (OperationCanceledException)
        {
            const string Stopped = "it was stopped while it was starting";
            events.Print(new HostEvent(HostEventKind.Failed, Stopped, Failure: RuntimeFailure.Failed));
            shell.Error.WriteLine($"tenfold: {Stopped}");
            return ExitCode.Interrupted;
        }

        quiet = live; // the table shows the notes then
        await WaitAsync(shell, host, live, stop);
        quiet = false;
        await host.StopAsync(shell.Hurry);
        return ExitCode.Fine;
    }

    private static async Task WaitAsync(Shell shell, SystemHost host, bool live, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var showing = live
            ? LiveTable.ShowAsync(_ => Task.FromResult<SystemStatus?>(host.Status()), "Ctrl-C stops the system", shell.Time, over.Token)
            : Task.CompletedTask;
        try
        {
            await host.StopRequested.WaitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            // the signal
        }

        await over.CancelAsync();
        try
        {
            await showing;
        }
        catch (IOException)
        {
            // the terminal was closed
        }
    }
}
