using System.CommandLine;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Queries;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold check SYSTEM</c>: is the guide valid; a summary, or every error. Have its queries an index?</summary>
internal static class CheckVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var json = Systems.JsonOption();
        var guideOnly = new Option<bool>("--guide-only") { Description = "Do not look whether the guide's queries have an index, which needs PostgreSQL and some seconds" };
        var command = new Command("check", "Read a guide: a summary, or every error that it has; verify that its queries have an index") { system, json, guideOnly };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(json), parsed.GetValue(guideOnly), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Shell shell, string system, bool json, bool guideOnly, CancellationToken cancel)
    {
        var (file, result) = Systems.Find(shell, system);
        if (!json && result.Guide is { } read)
        {
            shell.Out.Write(GuideSummary.Of(read));
        }

        var queries = result.Guide is { } guide && !guideOnly ? await QueriesAsync(shell, guide, cancel) : null;
        if (json)
        {
            shell.Out.WriteLine(JsonSerializer.Serialize(
                new CheckReport(file, result.Guide?.System, result.Guide is not null, result.Errors, queries), CliJson.Default.CheckReport));
        }
        else
        {
            Write(shell, file, result.Errors, queries);
        }

        return result.Guide is null ? ExitCode.Usage : queries?.Any(query => query.Problem is not null) == true ? ExitCode.Missed : ExitCode.Fine;
    }

    private static async Task<IReadOnlyList<QueryFinding>> QueriesAsync(Shell shell, SystemGuide guide, CancellationToken cancel)
    {
        using var client = new ControlClient(SystemState.Of(guide.System, shell.Environment), shell.Time);
        return await QueryCheck.RunAsync(guide, await client.DatabasesAsync(cancel) ?? [], shell.Time, cancel);
    }

    private static void Write(Shell shell, string file, IReadOnlyList<Guide.Reading.GuideError> errors, IReadOnlyList<QueryFinding>? queries)
    {
        foreach (var error in errors)
        {
            shell.Error.WriteLine(error);
        }

        if (errors.Count > 0)
        {
            shell.Error.WriteLine($"tenfold: {Systems.Count(errors.Count)}");
            return;
        }

        shell.Out.WriteLine($"{file} is valid");
        var lacking = queries?.Where(query => query.Problem is not null).ToList() ?? [];
        foreach (var query in lacking)
        {
            shell.Error.WriteLine($"{query.Path}: {query.Query}: {query.Problem}");
        }

        if (lacking.Count > 0)
        {
            shell.Error.WriteLine($"tenfold: {lacking.Count} of {queries!.Count} queries {(lacking.Count == 1 ? "has" : "have")} no index");
        }
        else if (queries is { Count: > 0 })
        {
            shell.Out.WriteLine(queries.Count == 1 ? "its query has an index" : $"all {queries.Count} queries have an index");
        }
    }
}
