using System.Text;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;
using Tenfold.Load.Verdicts;

namespace Tenfold.Load.Reports;

/// <summary>The report for people. Pure.</summary>
public static class TextReport
{
    private static readonly string[] Columns = ["route", "count", "rate", "errors", "average", "p50", "p95", "p99", "max"];

    /// <summary>The whole report, with a line feed at its end.</summary>
    public static string Of(LoadResult result, LoadVerdict verdict)
    {
        var text = new StringBuilder();
        Head(text, result);
        Table(text, result);
        Failures(text, result);
        Caches(text, result.Cache);
        Marks(text, result.Marks);
        Judgements(text, "budgets", verdict.Budgets);
        Judgements(text, "thresholds", verdict.Thresholds);
        foreach (var note in verdict.Notes)
        {
            Line(text, $"note: {note}");
        }

        foreach (var reason in verdict.Invalid)
        {
            Line(text, $"invalid: {reason}");
        }

        if (verdict.Notes.Count + verdict.Invalid.Count > 0)
        {
            Line(text, "");
        }

        Line(text, $"verdict: {Word(verdict)}");
        return text.ToString();
    }

    private static void Head(StringBuilder text, LoadResult result)
    {
        var (most, model) = result.Model == LoadModel.Closed
            ? ($"up to {Units.Count(UserRamp.Most(result.Stages))} users", "closed model")
            : ($"up to {Units.Rate(result.Stages.Max(s => s.Rate ?? 0))} arrivals", "open model, latency from the intended time");
        Line(text, $"{result.Name} against {result.Target}");
        Line(text, $"{model}: {most}, {(result.Stages.Count == 1 ? "1 stage" : $"{result.Stages.Count} stages")} in {Units.Time(Stages.Total(result.Stages))}; ran {Units.Time(result.Elapsed)}, {Units.Count(result.Iterations)} iterations");
        Line(text, "");
    }

    private static void Table(StringBuilder text, LoadResult result)
    {
        List<string[]> rows = [Columns, .. result.Routes.Select(r => Row(r.Name, r.Stats, result)), Row("all", result.Total, result)];
        var widths = Enumerable.Range(0, Columns.Length).Select(i => rows.Max(row => row[i].Length)).ToArray();
        foreach (var row in rows)
        {
            Line(text, string.Join("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));
        }

        Line(text, "");
    }

    private static string[] Row(string name, RouteStats stats, LoadResult result)
    {
        var latency = stats.Latency;
        string Time(TimeSpan time) => latency.Count == 0 ? "-" : Units.Time(time);
        return
        [
            name,
            Units.Count(stats.Count),
            Units.Rate(result.RateOf(stats)),
            stats.Errors == 0 ? "0" : $"{Units.Count(stats.Errors)} ({Units.Share(stats.ErrorShare)})",
            Time(latency.Mean),
            Time(latency.Percentile(50)),
            Time(latency.Percentile(95)),
            Time(latency.Percentile(99)),
            Time(latency.Max),
        ];
    }

    private static void Failures(StringBuilder text, LoadResult result)
    {
        if (result.Total.Errors == 0)
        {
            return;
        }

        Line(text, "errors");
        var width = result.Routes.Max(r => r.Name.Length);
        foreach (var route in result.Routes.Where(r => r.Stats.Errors > 0))
        {
            var kinds = Enum.GetValues<ErrorKind>()
                .Where(kind => kind != ErrorKind.Status && route.Stats.ErrorsOf(kind) > 0)
                .Select(kind => $"{Units.Count(route.Stats.ErrorsOf(kind))} × {kind.ToString().ToLowerInvariant()}")
                .Concat(route.Stats.Statuses.Select(s => $"{Units.Count(s.Value)} × status {s.Key}"));
            Line(text, $"  {route.Name.PadRight(width)}  {string.Join(", ", kinds)}");
        }

        Line(text, "");
    }

    private static void Caches(StringBuilder text, CacheUse? cache)
    {
        if (cache is not null)
        {
            var layers = cache.Hits.Keys.Select(layer => $"{layer} {Units.Share(cache.ShareOf(layer))}");
            Line(text, $"cache: {string.Join(", ", layers)}, missed {Units.Share(cache.MissShare)} of {Units.Count(cache.Reads)} reads");
            Line(text, "");
        }
    }

    private static void Marks(StringBuilder text, IReadOnlyList<LoadMark> marks)
    {
        if (marks.Count == 0)
        {
            return;
        }

        Line(text, "scaling");
        var width = marks.Max(mark => Units.Time(mark.At).Length);
        foreach (var mark in marks)
        {
            Line(text, $"  {Units.Time(mark.At).PadLeft(width)}  {mark.Service} {mark.From} → {mark.To}: {mark.Reason}");
        }

        Line(text, "");
    }

    private static void Judgements(StringBuilder text, string title, IReadOnlyList<Judgement> judgements)
    {
        if (judgements.Count == 0)
        {
            return;
        }

        Line(text, title);
        var subject = judgements.Max(j => j.Subject.Length);
        foreach (var j in judgements)
        {
            string Value(double value) => j.Measure switch { Measure.Errors => Units.Share(value), Measure.Rate => Units.Rate(value), _ => Units.Milliseconds(value) };
            var word = j.Outcome switch { Outcome.Met => "met", Outcome.Missed => "MISSED", _ => "?" };
            var said = j.Outcome == Outcome.NotEnoughSamples
                ? $"not enough samples: {Units.Count(j.Samples)} of at least {Units.Count(j.Needed)} (limit {Value(j.Limit)})"
                : j.Measure == Measure.Rate ? $"{Value(j.Measured)} {(j.Outcome == Outcome.Met ? ">=" : "<")} {Value(j.Limit)}"
                : j.Outcome == Outcome.Missed && j.Measured <= j.Limit ? $"too few of the requests were answered (limit {Value(j.Limit)})"
                : $"{Value(j.Measured)} {(j.Outcome == Outcome.Met ? "<=" : ">")} {Value(j.Limit)}";
            Line(text, $"  {word,-6}  {j.Subject.PadRight(subject)}  {j.Measure.ToString().ToLowerInvariant(),-7}  {said}");
        }

        Line(text, "");
    }

    private static string Word(LoadVerdict verdict)
    {
        Judgement[] all = [.. verdict.Budgets, .. verdict.Thresholds];
        var missed = all.Count(j => j.Outcome == Outcome.Missed);
        var open = all.Count(j => j.Outcome == Outcome.NotEnoughSamples);
        var unsaid = open > 0 ? $", {open} with not enough samples" : "";
        return verdict.Outcome switch
        {
            LoadOutcome.Invalid => "invalid: the generator could not do what the test asks for, so the figures above say nothing about the target",
            LoadOutcome.Interrupted => "incomplete: ended early, not judged",
            _ when all.Length == 0 => "no budget or threshold to judge by",
            LoadOutcome.Missed => $"{missed} of {all.Length} limits missed{unsaid}",
            _ => $"{all.Length - open} of {all.Length} limits met{unsaid}",
        };
    }

    private static void Line(StringBuilder text, string line) => text.Append(line.TrimEnd()).Append('\n');
}
