using System.Globalization;
using System.Text.Json;
using Tenfold.Jobs.Administration;

namespace Tenfold.Cli.Jobs;

/// <summary>One job in words.</summary>
internal static class JobText
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static void Write(TextWriter to, JobDetails job)
    {
        to.WriteLine($"job {job.Id.ToString(CultureInfo.InvariantCulture)} of kind {job.Kind} in queue {job.Queue} is {State(job.State)}{(job.IsCancelRequested ? ", and is asked to end" : "")}");
        Line("priority", job.Priority.ToString(CultureInfo.InvariantCulture));
        Line("enqueued", Time(job.EnqueuedAt));
        Line("due", job.RunAt is { } due ? Time(due) : null);
        Line("deadline", job.Deadline is { } deadline ? Time(deadline) : null);
        Line("started", job.StartedAt is { } started ? $"{Time(started)} by {job.Worker}" : null);
        Line("ended", job.EndedAt is { } ended ? Time(ended) : null);
        Line("runs", $"{job.Runs}, {job.Failures} failed{(job.Attempts is { } attempts ? $" of {attempts} attempts" : "")}{(job.Deaths > 0 ? $", {job.Deaths} lost with their worker" : "")}");
        Line("key", job.Key);
        Line("unique", job.Unique);
        Line("batch", job.Batch is { } batch ? $"of job {batch.ToString(CultureInfo.InvariantCulture)}" : null);
        Line("ends batch", job.Ends is { } of ? $"{Count(of.Completed)} completed, {Count(of.Failed)} failed, {Count(of.Cancelled)} cancelled of {Count(of.Total)}" : null);
        Line("after", Ids(job.After));
        Line("waits for", Ids(job.WaitsFor));
        Line("followers", Ids(job.Followers));
        Line("progress", job.Progress is { } progress ? progress.ToString() : null);
        if (job.Errors is { ValueKind: JsonValueKind.Array } errors)
        {
            to.WriteLine("errors");
            foreach (var error in errors.EnumerateArray())
            {
                to.WriteLine($"  {Text(error, "at")} run {Text(error, "run")}{(Text(error, "worker") is { Length: > 0 } worker ? $" on {worker}" : "")}: {Text(error, "error")}");
                if (Text(error, "detail") is { Length: > 0 } detail)
                {
                    to.WriteLine("    " + detail.ReplaceLineEndings("\n    "));
                }
            }
        }

        to.WriteLine("payload");
        to.WriteLine("  " + Pretty(job.Payload).ReplaceLineEndings("\n  "));

        void Line(string name, string? value)
        {
            if (value is not null)
            {
                to.WriteLine($"  {name,-11} {value}");
            }
        }
    }

    public static string State(JobState state) => state.ToString().ToLowerInvariant();

    /// <summary>UTC to the second; a dash for none.</summary>
    public static string Time(DateTimeOffset? time) => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "-";

    private static string Count(long n) => JobTables.Count(n);

    private static string? Ids(IReadOnlyList<long> ids) => ids.Count == 0 ? null : string.Join(", ", ids);

    private static string? Text(JsonElement item, string name) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) ? value.ToString() : null;

    private static string Pretty(JsonElement json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented))
        {
            json.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
