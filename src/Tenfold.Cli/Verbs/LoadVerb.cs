using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Loading;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold load SYSTEM TEST</c>.</summary>
internal static class LoadVerb
{
    /// <param name="shell">Surroundings.</param>
    /// <param name="findRunning">The running system of a name; null when it does not run.</param>
    public static Command Create(Shell shell, Func<string, CancellationToken, Task<RunningSystem?>> findRunning)
    {
        var system = Systems.Argument();
        var test = new Argument<string?>("TEST") { Description = "Which of its load tests; may be left out when it has only one", DefaultValueFactory = _ => null };
        var duration = new Option<string?>("--for") { HelpName = "DURATION", Description = "Compress (or stretch) the stages in proportion, so that all together last this long: 60s" };
        var target = new Option<string?>("--target") { HelpName = "URL", Description = "Drive this server. Default: the gateway of the running system" };
        var json = new Option<string?>("--json") { HelpName = "FILE", Description = "Write the result as JSON too; '-' writes it to stdout instead of the table" };
        var seed = new Option<int>("--seed") { HelpName = "N", Description = "Seed of {{uuid}} and {{random}}", DefaultValueFactory = _ => 1 };
        var most = new Option<int>("--max-in-flight") { HelpName = "N", Description = "Open model: arrivals under way at once, at most", DefaultValueFactory = _ => 10_000 };
        var threads = new Option<int?>("--threads") { HelpName = "N", Description = "Threads that generate. Default: half of the processors, 1 to 8" };
        var insecure = new Option<bool>("--insecure") { Description = "Accept any certificate of an https target" };
        var command = new Command("load", "Drive a system with one of its guide's load tests; verdict against its budgets") { system, test, duration, target, json, seed, most, threads, insecure };
        command.SetAction((parsed, cancellationToken) => LoadCommand.RunAsync(
            shell,
            new LoadRequest(
                parsed.GetRequiredValue(system),
                parsed.GetValue(test),
                parsed.GetValue(duration),
                parsed.GetValue(target),
                parsed.GetValue(json),
                parsed.GetValue(seed),
                parsed.GetValue(most),
                parsed.GetValue(threads),
                parsed.GetValue(insecure)),
            findRunning,
            cancellationToken));
        return command;
    }
}
