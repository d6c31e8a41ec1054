using System.CommandLine;
using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold scale SYSTEM SERVICE N</c>.</summary>
internal static class ScaleVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var service = new Argument<string>("SERVICE") { Description = "One of its services" };
        var count = new Argument<int>("N") { Description = "Instances, within the guide's scale.min and scale.max" };
        var json = Systems.JsonOption();
        var command = new Command("scale", "Change the number of instances of a service; those that leave are drained") { system, service, count, json };
        command.SetAction((parsed, cancel) => Operation.RunAsync(
            shell,
            parsed.GetRequiredValue(system),
            parsed.GetValue(json),
            client => client.ScaleAsync(parsed.GetRequiredValue(service), parsed.GetValue(count), cancel),
            cancel));
        return command;
    }
}
