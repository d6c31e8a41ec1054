using System.CommandLine;
using System.Globalization;
using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold scale SYSTEM SERVICE N</c>, and <c>auto</c> in place of the number.</summary>
internal static class ScaleVerb
{
    private const string Auto = "auto";

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var service = new Argument<string>("SERVICE") { Description = "One of its services, or a store whose replicas the guide lets change" };
        var count = new Argument<string>("N") { Description = "Instances, or replicas, within what the guide allows: the number stays so; 'auto' leaves it to the guide's rules again" };
        count.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && text != Auto && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                result.AddError($"'{text}' is neither a number of instances nor '{Auto}'");
            }
        });
        var json = Systems.JsonOption();
        var command = new Command("scale", "Change the number of instances of a service, or of replicas of a store, and keep it so, whatever its rules say; those that leave are drained") { system, service, count, json };
        command.SetAction((parsed, cancel) => Operation.RunAsync(
            shell,
            parsed.GetRequiredValue(system),
            parsed.GetValue(json),
            client => client.ScaleAsync(parsed.GetRequiredValue(service), Number(parsed.GetRequiredValue(count)), cancel),
            cancel));
        return command;
    }

    private static int? Number(string text) => text == Auto ? null : int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
