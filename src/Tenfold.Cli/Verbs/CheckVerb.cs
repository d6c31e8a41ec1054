using System.CommandLine;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Guide;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold check SYSTEM</c>: is the guide valid; a summary, or every error.</summary>
internal static class CheckVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var json = Systems.JsonOption();
        var command = new Command("check", "Read a guide: a summary, or every error that it has") { system, json };
        command.SetAction(parsed => Run(shell, parsed.GetRequiredValue(system), parsed.GetValue(json)));
        return command;
    }

    private static int Run(Shell shell, string system, bool json)
    {
        var (file, result) = Systems.Find(shell, system);
        if (json)
        {
            shell.Out.WriteLine(JsonSerializer.Serialize(
                new CheckReport(file, result.Guide?.System, result.Guide is not null, result.Errors), CliJson.Default.CheckReport));
        }
        else if (result.Guide is { } guide)
        {
            shell.Out.Write(GuideSummary.Of(guide));
            shell.Out.WriteLine($"{file} is valid");
        }
        else
        {
            foreach (var error in result.Errors)
            {
                shell.Error.WriteLine(error);
            }

            shell.Error.WriteLine($"tenfold: {Systems.Count(result.Errors.Count)}");
        }

        return result.Guide is null ? ExitCode.Usage : ExitCode.Fine;
    }
}
