using System.CommandLine;
using System.Runtime.InteropServices;
using Tenfold.Cli.Verbs;

namespace Tenfold.Cli.Edge;

/// <summary>The one edge of the command line: arguments in; errors to stderr and an exit code out.</summary>
internal static class CommandEdge
{
    public static async Task<int> RunAsync(string[] args, Shell shell)
    {
        var root = new RootCommand("Tenfold: a scaling guide you can run")
        {
            LoadVerb.Create(shell),
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                shell.Error.WriteLine($"tenfold: {error.Message}");
            }

            shell.Error.WriteLine($"'tenfold {parsed.CommandResult.Command.Name} --help' shows the usage");
            return ExitCode.Usage;
        }

        using var stop = new CancellationTokenSource();
        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; stop.Cancel(); });
        return await parsed.InvokeAsync(
            new InvocationConfiguration
            {
                Output = shell.Out,
                Error = shell.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            },
            stop.Token);
    }
}
