using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Guide.Schema;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold schema</c>: for editors.</summary>
internal static class SchemaVerb
{
    public static Command Create(Shell shell)
    {
        var json = new Option<bool>("--json") { Description = "As every verb takes it; the schema is JSON in any case" };
        var command = new Command("schema", "Print the JSON schema of a guide") { json };
        command.SetAction(_ =>
        {
            shell.Out.Write(GuideSchema.Text());
            return ExitCode.Fine;
        });
        return command;
    }
}
