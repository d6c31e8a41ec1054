using System.CommandLine;
using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold restart SYSTEM [WHAT]</c>.</summary>
internal static class RestartVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var what = new Argument<string?>("WHAT") { Description = "A service or an instance; every service when left out", Arity = ArgumentArity.ZeroOrOne };
        var json = Systems.JsonOption();
        var command = new Command("restart", "Replace instances one by one, each new one ready before an old one leaves: no request is dropped") { system, what, json };
        command.SetAction((parsed, cancel) => Operation.RunAsync(
            shell, parsed.GetRequiredValue(system), parsed.GetValue(json), client => client.RestartAsync(parsed.GetValue(what), cancel), cancel));
        return command;
    }
}
