using System.CommandLine;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Guide.Validation;
using Tenfold.Runtime.Logs;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold logs SYSTEM [WHAT] [--follow] [--lines N]</c>: of a running system or one that was.</summary>
internal static class LogsVerb
{
    private const int DefaultLines = 50;

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var what = new Argument<string?>("WHAT") { Description = "An instance, a service, a store, 'host', or 'seed-SERVICE'; all when left out", Arity = ArgumentArity.ZeroOrOne };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with new lines until Ctrl-C" };
        var lines = new Option<int>("--lines", "-n") { Description = "Last lines to begin with", DefaultValueFactory = _ => DefaultLines };
        lines.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, out var n) && n < 0)
            {
                result.AddError($"--lines {n}: at least 0");
            }
        });
        var json = new Option<bool>("--json") { Description = "Print a JSON object a line" };
        var command = new Command("logs", "Show the output of instances and stores") { system, what, follow, lines, json };
        command.SetAction((parsed, cancel) =>
            RunAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(what), parsed.GetValue(follow), parsed.GetValue(lines), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, string? what, bool follow, int lines, bool json, CancellationToken cancel)
    {
        var state = Systems.State(shell, system);
        var sources = LogReader.Sources(state.Logs);
        if (what is not null && !sources.Any(source => LogReader.IsMeant(source, what)))
        {
            throw new UsageException(sources.Count == 0
                ? $"{state.System} has no logs yet; it was never up here ({state.Logs})"
                : $"{state.System} has no log '{what}'{Suggestion.Among(what, [.. sources], "logs")}");
        }

        var width = sources.Where(source => LogReader.IsMeant(source, what)).Select(source => source.Length).DefaultIfEmpty().Max();
        if (!follow)
        {
            foreach (var line in LogReader.Last(state.Logs, what, lines))
            {
                Write(shell, line, width, json);
            }

            return ExitCode.Fine;
        }

        await using var reader = new ReaderGone(shell.Time, cancel);
        try
        {
            await foreach (var line in LogReader.FollowAsync(state.Logs, what, lines, shell.Time, reader.Token))
            {
                Write(shell, line, width, json);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Who read it has enough.
        }

        return ExitCode.Fine;
    }

    private static void Write(Shell shell, SourcedLine line, int width, bool json) => shell.Out.WriteLine(json
        ? JsonSerializer.Serialize(new LogReport(line.Source, line.Line.Time, LogLine.Word(line.Line.Origin), line.Line.Text), CliLineJson.Default.LogReport)
        : $"{line.Line.Time:yyyy-MM-dd HH:mm:ss.fff} {line.Source.PadRight(width)} {(line.Line.Origin == LogOrigin.Host ? "· " : "")}{line.Line.Text}");
}
