using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;
using Tenfold.Load.Verdicts;

namespace Tenfold.Load.Reports;

/// <summary>The report for programs; its fields are listed in docs/load.md. Pure.</summary>
public static class JsonReport
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The whole report as one JSON object, with a line feed at its end.</summary>
    public static string Of(LoadResult result, LoadVerdict verdict)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            json.WriteString("name", result.Name);
            json.WriteString("target", result.Target.ToString());
            json.WriteString("model", result.Model == LoadModel.Closed ? "closed" : "open");
            json.WriteString("outcome", verdict.Outcome.ToString().ToLowerInvariant());
            json.WriteNumber("exitCode", verdict.ExitCode);
            json.WriteNumber("plannedSeconds", Round(Stages.Total(result.Stages).TotalSeconds));
            json.WriteNumber("elapsedSeconds", Round(result.Elapsed.TotalSeconds));
            json.WriteNumber("iterations", result.Iterations);
            json.WriteNumber("unanswered", result.Unanswered);
            json.WriteStartArray("stages");
            foreach (var stage in result.Stages)
            {
                json.WriteStartObject();
                json.WriteNumber("seconds", Round(stage.For.TotalSeconds));
                json.WriteNumber(stage.Users is null ? "rate" : "users", stage.Users ?? stage.Rate ?? 0);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("total");
            Stats(json, result.Total, result);
            json.WriteEndObject();
            json.WriteStartArray("routes");
            foreach (var route in result.Routes)
            {
                json.WriteStartObject();
                json.WriteString("route", route.Name);
                Stats(json, route.Stats, result);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Judgements(json, "budgets", verdict.Budgets);
            Judgements(json, "thresholds", verdict.Thresholds);
            Schedule(json, result.Schedule);
            Cache(json, result.Cache);
            Marks(json, result.Marks);
            Timeline(json, result.Timeline);
            Texts(json, "invalid", verdict.Invalid);
            Texts(json, "notes", verdict.Notes);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Stats(Utf8JsonWriter json, RouteStats stats, LoadResult result)
    {
        json.WriteNumber("count", stats.Count);
        json.WriteNumber("perSecond", Round(result.RateOf(stats)));
        json.WriteNumber("errors", stats.Errors);
        json.WriteNumber("errorShare", Math.Round(stats.ErrorShare, 6));
        json.WriteStartObject("errorKinds");
        foreach (var kind in Enum.GetValues<ErrorKind>())
        {
            json.WriteNumber(kind.ToString().ToLowerInvariant(), stats.ErrorsOf(kind));
        }

        json.WriteEndObject();
        json.WriteStartObject("statuses");
        foreach (var (status, count) in stats.Statuses)
        {
            json.WriteNumber(status.ToString(System.Globalization.CultureInfo.InvariantCulture), count);
        }

        json.WriteEndObject();
        json.WriteStartObject("latencyMilliseconds");
        json.WriteNumber("samples", stats.Latency.Count);
        json.WriteNumber("min", Round(stats.Latency.Min.TotalMilliseconds));
        json.WriteNumber("average", Round(stats.Latency.Mean.TotalMilliseconds));
        foreach (var p in new[] { 50, 75, 90, 95, 99, 99.9 })
        {
            json.WriteNumber($"p{p}", Round(stats.Latency.Percentile(p).TotalMilliseconds));
        }

        json.WriteNumber("max", Round(stats.Latency.Max.TotalMilliseconds));
        json.WriteEndObject();
    }

    private static void Judgements(Utf8JsonWriter json, string name, IReadOnlyList<Judgement> judgements)
    {
        json.WriteStartArray(name);
        foreach (var j in judgements)
        {
            json.WriteStartObject();
            json.WriteString("subject", j.Subject);
            json.WriteString("measure", j.Measure.ToString().ToLowerInvariant());
            json.WriteString("unit", j.Measure switch { Measure.Errors => "share", Measure.Rate => "per second", _ => "milliseconds" });
            json.WriteNumber("limit", Round(j.Limit));
            json.WriteNumber("measured", Round(j.Measured));
            json.WriteString("outcome", j.Outcome switch { Outcome.Met => "met", Outcome.Missed => "missed", _ => "not-enough-samples" });
            json.WriteNumber("samples", j.Samples);
            json.WriteNumber("needed", j.Needed);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Schedule(Utf8JsonWriter json, ScheduleResult schedule)
    {
        json.WriteStartObject("schedule");
        json.WriteNumber("plannedArrivals", schedule.Planned);
        json.WriteNumber("started", schedule.Started);
        json.WriteNumber("dropped", schedule.Dropped);
        json.WriteNumber("localFailures", schedule.LocalFailures);
        json.WriteNumber("lagP99Milliseconds", Round(schedule.LagP99.TotalMilliseconds));
        json.WriteNumber("lagMaxMilliseconds", Round(schedule.LagMax.TotalMilliseconds));
        json.WriteNumber("lagLimitMilliseconds", Round(schedule.LagLimit.TotalMilliseconds));
        json.WriteNumber("busyShare", Round(schedule.BusyShare));
        json.WriteEndObject();
    }

    private static void Cache(Utf8JsonWriter json, CacheUse? cache)
    {
        if (cache is null)
        {
            json.WriteNull("cache");
            return;
        }

        json.WriteStartObject("cache");
        json.WriteNumber("reads", cache.Reads);
        json.WriteStartObject("hitShare");
        foreach (var layer in cache.Hits.Keys)
        {
            json.WriteNumber(layer, Round(cache.ShareOf(layer)));
        }

        json.WriteEndObject();
        json.WriteNumber("missShare", Round(cache.MissShare));
        json.WriteEndObject();
    }

    private static void Marks(Utf8JsonWriter json, IReadOnlyList<LoadMark> marks)
    {
        json.WriteStartArray("scaling");
        foreach (var mark in marks)
        {
            json.WriteStartObject();
            json.WriteNumber("seconds", Round(mark.At.TotalSeconds));
            json.WriteString("service", mark.Service);
            json.WriteNumber("from", mark.From);
            json.WriteNumber("to", mark.To);
            json.WriteString("reason", mark.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Timeline(Utf8JsonWriter json, Timeline timeline)
    {
        json.WriteStartArray("timeline");
        foreach (var point in timeline.Points)
        {
            json.WriteStartObject();
            json.WriteNumber("seconds", Round(point.At.TotalSeconds));
            json.WriteNumber("count", point.Count);
            json.WriteNumber("errors", point.Errors);
            if (point is { P50: { } p50, P95: { } p95, P99: { } p99 })
            {
                json.WriteNumber("p50", Round(p50.TotalMilliseconds));
                json.WriteNumber("p95", Round(p95.TotalMilliseconds));
                json.WriteNumber("p99", Round(p99.TotalMilliseconds));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static double Round(double value) => Math.Round(value, 4);
}
