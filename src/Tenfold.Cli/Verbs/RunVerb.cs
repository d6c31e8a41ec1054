using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Runtime.Control;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold run SYSTEM SERVICE ARGS…</c>.</summary>
internal static class RunVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var service = new Argument<string>("SERVICE") { Description = "The service whose program, stores and environment it gets" };
        var args = new Argument<string[]>("ARGS") { Description = "Arguments of its project's program (of a service with 'command': the whole command); after -- when they begin with -", Arity = ArgumentArity.OneOrMore };
        var command = new Command("run", "Run a command of a service beside its instances, on this terminal: tenfold run rez api -- admin create; its exit code is this one's") { system, service, args };
        command.SetAction(async (parsed, _) =>
        {
            var name = parsed.GetRequiredValue(system);
            using var client = new ControlClient(Systems.State(shell, name), shell.Time);
            var launch = await client.LaunchAsync(parsed.GetRequiredValue(service), CancellationToken.None);
            return await ServiceCommand.RunAsync(launch, parsed.GetRequiredValue(args), shell.Hurry); // the first Ctrl-C is the command's own
        });
        return command;
    }
}
