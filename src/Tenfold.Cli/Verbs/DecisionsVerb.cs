using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold decisions SYSTEM [--follow] [--service NAME]</c>: of a running system or one that was.</summary>
internal static class DecisionsVerb
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with new ones until Ctrl-C" };
        var service = new Option<string?>("--service") { HelpName = "NAME", Description = "Of this service only" };
        var json = new Option<bool>("--json") { Description = "Print a JSON object a line" };
        var command = new Command("decisions", "Show what the autoscaler did, and why: the last thousand decisions") { system, follow, service, json };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(service), parsed.GetValue(follow), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, string? service, bool follow, bool json, CancellationToken cancel)
    {
        var state = Systems.State(shell, system);
        using var client = new ControlClient(state, shell.Time);
        var decisions = await AfterAsync(client, state, 0, service, cancel);
        if (decisions.Count == 0 && !follow)
        {
            shell.Error.WriteLine(service is null ? $"nothing was decided about {state.System} yet" : $"nothing was decided about {service} of {state.System} yet");
        }

        Write(shell, decisions, json);
        if (!follow)
        {
            return ExitCode.Fine;
        }

        await using var reader = new ReaderGone(shell.Time, cancel);
        for (var last = Last(decisions, 0); !reader.Token.IsCancellationRequested; last = Last(decisions, last))
        {
            await Task.Delay(Period, shell.Time, reader.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
            decisions = await AfterAsync(client, state, last, service, cancel);
            Write(shell, decisions, json);
        }

        return ExitCode.Fine;
    }

    // Of a system that is down its file tells; one that was deleted and begins anew is followed from its first one.
    private static async Task<IReadOnlyList<ScalingDecision>> AfterAsync(ControlClient client, SystemState state, long after, string? service, CancellationToken cancel) =>
        await client.DecisionsAsync(after, service, cancel)
        ?? [.. DecisionLog.Read(state).Where(one => one.Number > after && (service is null || one.Service == service))];

    private static long Last(IReadOnlyList<ScalingDecision> decisions, long before) => decisions.Count > 0 ? decisions[^1].Number : before;

    private static void Write(Shell shell, IReadOnlyList<ScalingDecision> decisions, bool json)
    {
        var width = decisions.Select(one => one.Service.Length).DefaultIfEmpty().Max();
        foreach (var one in decisions)
        {
            shell.Out.WriteLine(json ? JsonSerializer.Serialize(one, CliLineJson.Default.ScalingDecision) : Line(one, width));
        }
    }

    private static string Line(ScalingDecision one, int width)
    {
        var change = one.From == one.To ? $"{one.To}" : $"{one.From} → {one.To}";
        var limit = one.Limit == ScalingLimit.None ? "" : $" [{JsonNamingPolicy.KebabCaseLower.ConvertName(one.Limit.ToString())}]";
        return string.Create(CultureInfo.InvariantCulture, $"{one.At.ToLocalTime():yyyy-MM-dd HH:mm:ss} {one.Service.PadRight(width)} {change,-8}{limit} {one.Reason}");
    }
}
