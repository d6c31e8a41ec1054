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
        if (decisions.Count == 0 && service is not null)
        {
            await CheckAsync(client, state, service, cancel);
        }

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
        for (var last = Last(decisions, null); !reader.Token.IsCancellationRequested; last = Last(decisions, last))
        {
            await Task.Delay(Period, shell.Time, reader.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
            decisions = await NewAsync(client, state, last, service, cancel);
            Write(shell, decisions, json);
        }

        return ExitCode.Fine;
    }

    // The last one is asked for, too: where it is no longer, the system may have been deleted and begin anew, with other ones of the same numbers.
    private static async Task<IReadOnlyList<ScalingDecision>> NewAsync(ControlClient client, SystemState state, ScalingDecision? last, string? service, CancellationToken cancel)
    {
        var decisions = await AfterAsync(client, state, last is null ? 0 : last.Number - 1, service, cancel);
        if (last is null || (decisions is [var first, ..] && first.Number > last.Number))
        {
            return decisions; // the first ones; or so many that the last one is not kept any more
        }

        if (decisions is [var same, ..] && same == last)
        {
            return [.. decisions.Skip(1)];
        }

        var all = await AfterAsync(client, state, 0, null, cancel);
        return all is [.., var newest] && newest.Number <= last.Number && !all.Contains(last) ? [.. all.Where(one => service is null || one.Service == service)] : [];
    }

    private static async Task CheckAsync(ControlClient client, SystemState state, string service, CancellationToken cancel)
    {
        if (await client.StatusAsync(cancel) is not { State: "up" } up)
        {
            return; // nobody knows
        }

        string[] names = [.. up.Services.Select(one => one.Name).Concat(up.Stores.Select(one => one.Store ?? one.Name)).Distinct(StringComparer.Ordinal)];
        if (!names.Contains(service, StringComparer.Ordinal) && up.Stores.All(one => one.Name != service))
        {
            throw new UsageException($"{state.System} has no service or store '{service}'; it has: {string.Join(", ", names)}");
        }
    }

    // Of a system that is down its file tells.
    private static async Task<IReadOnlyList<ScalingDecision>> AfterAsync(ControlClient client, SystemState state, long after, string? service, CancellationToken cancel) =>
        await client.DecisionsAsync(after, service, cancel)
        ?? [.. DecisionLog.Read(state).Where(one => one.Number > after && (service is null || one.Service == service))];

    private static ScalingDecision? Last(IReadOnlyList<ScalingDecision> decisions, ScalingDecision? before) => decisions.Count > 0 ? decisions[^1] : before;

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
