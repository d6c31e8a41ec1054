using System.CommandLine;
using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold load SYSTEM TEST</c>.</summary>
internal static class LoadVerb
{
    public static Command Create(Shell shell)
    {
        var command = new Command("load", "Drive a system with one of its guide's load tests; verdict against its budgets");
        command.SetAction((_, _) =>
        {
            shell.Error.WriteLine("tenfold load: not built in");
            return Task.FromResult(ExitCode.Usage);
        });
        return command;
    }
}
