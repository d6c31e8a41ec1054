using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Guide.Schema;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold schema</c>: for editors.</summary>
internal static class SchemaVerb
{
    public static Command Create(Shell shell)
    {
        var command = new Command("schema", "Print the JSON schema of a guide");
        command.SetAction(_ =>
        {
            shell.Out.Write(GuideSchema.Text());
            return ExitCode.Fine;
        });
        return command;
    }
}
