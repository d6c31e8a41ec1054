using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Cli.Sharding;
using Tenfold.Postgres;
using Tenfold.Postgres.SlowQueries;
using Tenfold.Runtime;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold queries SYSTEM</c>: what a store spends its time on.</summary>
internal static class QueriesVerb
{
    private const int Most = 500;
    private const int ShownText = 100;

    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var json = Systems.JsonOption();
        var store = new Option<string?>("--store") { Description = "The store, when the system has several PostgreSQL" };
        var top = new Option<int>("--top") { Description = $"How many, 1 to {Most}", DefaultValueFactory = _ => 10 };
        var command = new Command("queries", "Show the queries that a PostgreSQL spends the most time on, over all its servers, and which of them lack an index") { system, json, store, top };
        command.SetAction(async (parsed, cancel) =>
        {
            var count = parsed.GetValue(top);
            if (count is < 1 or > Most)
            {
                throw new UsageException($"--top {count}: allowed are 1 to {Most}");
            }

            var name = parsed.GetRequiredValue(system);
            var guide = Systems.Read(shell, name).Guide;
            var databases = await RunningStore.DatabasesAsync(shell, guide, name, RunningStore.Choose(guide, parsed.GetValue(store)), cancel);
            var report = await TopQueries.ReadAsync([.. databases.Select(database => database.ConnectionString)], count, PostgresOptions.DefaultScanRows, cancel);
            if (report.Servers == 0)
            {
                throw new RuntimeException(RuntimeFailure.Failed, $"no server tells of its queries:\n  {string.Join("\n  ", report.Failures)}");
            }

            if (parsed.GetValue(json))
            {
                shell.Out.WriteLine(JsonSerializer.Serialize(report, CliJson.Default.TopQueriesReport));
            }
            else
            {
                Write(shell, report);
            }

            return ExitCode.Fine;
        });
        return command;
    }

    private static void Write(Shell shell, TopQueriesReport report)
    {
        foreach (var failure in report.Failures)
        {
            shell.Error.WriteLine($"not asked: {failure}");
        }

        if (report.Queries.Count == 0)
        {
            shell.Out.WriteLine("no queries yet");
            return;
        }

        shell.Out.WriteLine(
            $"{Units.Latency(report.TotalMilliseconds)} on {(report.Servers == 1 ? "1 server" : $"{report.Servers} servers together")}{(report.Since is { } since ? $" since {since.UtcDateTime:yyyy-MM-dd HH:mm} UTC" : "")}, the most time first");
        var table = new TextTable(["SHARE", "TOTAL", "CALLS", "MEAN", "MAX", "ROWS/CALL", "PRIMARY", "QUERY"]);
        foreach (var query in report.Queries)
        {
            table.Add(
                Percent(query.TotalMilliseconds / report.TotalMilliseconds), Units.Latency(query.TotalMilliseconds), query.Calls.ToString("N0", CultureInfo.InvariantCulture), Units.Latency(query.MeanMilliseconds),
                Units.Latency(query.MaxMilliseconds), Units.Text((double)query.Rows / Math.Max(1, query.Calls), "0.#"), Percent((double)query.PrimaryCalls / Math.Max(1, query.Calls)), Short(query.Text));
        }

        table.Write(shell.Out);
        foreach (var query in report.Queries)
        {
            foreach (var lack in query.Lacks)
            {
                shell.Out.WriteLine($"{Short(query.Text)}\n  {lack}");
            }
        }
    }

    private static string Percent(double share) => Units.Text(share * 100, "0.#") + "%";

    private static string Short(string text) => text.Length <= ShownText ? text : text[..(ShownText - 1)] + "…";
}
